"""How long was read, over all threads."""

from __future__ import annotations

import threading
import time
from types import TracebackType


class ReadingClock:
    """``with clock:`` counts wall-clock seconds into ``seconds``; blocks within blocks count once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()
        self._mine = threading.local()

    def __enter__(self) -> None:
        depth = getattr(self._mine, "depth", 0)
        if not depth:
            self._mine.began = time.perf_counter()
        self._mine.depth = depth + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mine.depth -= 1
        if not self._mine.depth:
            with self._lock:
                self.seconds += time.perf_counter() - self._mine.began
