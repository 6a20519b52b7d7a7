"""Ctrl-C, and a machine that asks to stop: noted, and obeyed between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Stop:
    """While it is open, SIGINT and SIGTERM set ``asked`` to their number instead of breaking into a step.

    ``insist``: a second Ctrl-C breaks in all the same. Outside the main thread, where Python allows no handlers, it
    notes nothing.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, *, insist: bool = True) -> None:
        self.asked: int | None = None
        self._insist = insist
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = {s: signal.signal(s, self._note) for s in self.SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave before

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._insist and number == signal.SIGINT == self.asked:
            raise KeyboardInterrupt
        self.asked = number
