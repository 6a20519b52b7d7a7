"""How often something may happen: so many times within so many seconds, each key for itself."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST_KEYS = 10_000


class Limiter:
    """A sliding window; memory is bounded, the longest unseen keys are forgotten first."""

    def __init__(self, times: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.times, self.seconds, self._clock = times, seconds, clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Seconds until ``key`` may happen again; 0 where it may now."""
        with self._lock:
            seen = self._current(key)
            return max(0.0, seen[0] + self.seconds - self._clock()) if len(seen) >= self.times else 0.0

    def count(self, key: str) -> None:
        """It has happened once."""
        with self._lock:
            self._current(key).append(self._clock())
            while len(self._seen) > MOST_KEYS:
                self._seen.popitem(last=False)

    def take(self, *keys: str) -> float:
        """Let it happen once for all of ``keys``, or say how many seconds until it may: then none is counted.

        In one step: of many that ask at the same moment no more get through than may.
        """
        with self._lock:
            at = self._clock()
            seen = [self._current(key) for key in keys]
            wait = max(s[0] + self.seconds - at if len(s) >= self.times else 0.0 for s in seen)
            if wait <= 0:
                for one in seen:
                    one.append(at)
            while len(self._seen) > MOST_KEYS:
                self._seen.popitem(last=False)
            return max(0.0, wait)

    def forget(self, key: str) -> None:
        """Begin anew."""
        with self._lock:
            self._seen.pop(key, None)

    def _current(self, key: str) -> deque[float]:
        seen = self._seen.setdefault(key, deque(maxlen=self.times))
        self._seen.move_to_end(key)
        while seen and seen[0] <= self._clock() - self.seconds:
            seen.popleft()
        return seen
