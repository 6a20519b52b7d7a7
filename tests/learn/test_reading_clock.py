"""Seconds of reading are counted once, by every thread."""

from __future__ import annotations

import itertools
import threading

import pytest

from overread.learn import reading_clock
from overread.learn.reading_clock import ReadingClock


def test_blocks_within_blocks_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(0, 5)
    monkeypatch.setattr(reading_clock.time, "perf_counter", lambda: float(next(ticks)))
    clock = ReadingClock()
    with clock, clock:
        pass
    assert clock.seconds == 5
    thread = threading.Thread(target=lambda: clock.__enter__() or clock.__exit__(None, None, None))
    with clock:
        thread.start()
        thread.join()
    # 5 of the thread; 15 of this one, whose clock ticked on for the other.
    assert clock.seconds == 25


def test_a_fault_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(0, 2)
    monkeypatch.setattr(reading_clock.time, "perf_counter", lambda: float(next(ticks)))
    clock = ReadingClock()
    with pytest.raises(OSError), clock:
        raise OSError
    assert clock.seconds == 2
