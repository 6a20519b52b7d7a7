"""Lines of a log that a peer can cause: a few a minute of each kind, and how many more there were."""

from __future__ import annotations

import logging
import threading
import time

PER_MINUTE = 10


class SparseLog:
    """Warnings of which no peer can make more than some each minute."""

    def __init__(self, log: logging.Logger, *, per_minute: int = PER_MINUTE) -> None:
        self._log, self._per_minute = log, per_minute
        self._lock = threading.Lock()
        self._said: dict[str, tuple[float, int]] = {}

    def warning(self, text: str, *values: object) -> None:
        """As logging's; ``text`` is the kind."""
        with self._lock:
            begun, count = self._said.get(text, (0.0, 0))
            at, left_out = time.monotonic(), 0
            if not begun or at - begun > 60:
                left_out, begun, count = max(count - self._per_minute, 0), at, 0
            self._said[text] = (begun, count + 1)
            if count >= self._per_minute:
                return
        if left_out:
            self._log.warning("%d more like the next one were not written", left_out)
        self._log.warning(text, *values)
