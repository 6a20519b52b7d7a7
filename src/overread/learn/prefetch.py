"""The next batches are drawn while the network computes: a few of them, and no more."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Lock
from types import TracebackType
from typing import Generic, TypeVar

import torch

Item = TypeVar("Item")

AHEAD = 2
"""Batches that wait, or are being drawn, at most."""


class Prefetched(Generic[Item]):
    """What ``draws`` give, in their order, drawn by other threads up to ``ahead`` before it is asked for.

    ``with Prefetched(batches.draws(epoch)) as stream: for image, targets in stream: ...``. Several epochs are one
    stream where their draws are chained, which spares the wait at the first batch of each. Leaving early waits for
    what is being drawn and drops it. An exception of a draw is raised where its item would have come.

    Attributes
    ----------
    waited
        Seconds for which the caller waited.
    working
        Seconds that the threads spent, in sum; of these `reading` in ``read_seconds``, a counter that grows while
        files are read (`PatchBatches.read_seconds`), and `augmenting` otherwise.
    """

    def __init__(
        self,
        draws: Iterator[Callable[[], Item]],
        *,
        ahead: int = AHEAD,
        threads: int = 1,
        read_seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        if ahead < 1 or threads < 1:
            raise ValueError(f"found ahead {ahead} and threads {threads}, expected at least 1")
        self.waited = self.working = 0.0
        self._draws, self._ahead = draws, ahead
        self._read, self._read_before = read_seconds, read_seconds()
        self._lock = Lock()
        self._pool = _pool(threads)
        self._coming: deque[Future[Item]] = deque()

    @property
    def reading(self) -> float:
        """Seconds of the threads in which files were read."""
        return self._read() - self._read_before

    @property
    def augmenting(self) -> float:
        """Seconds of the threads in which patches were changed and put together."""
        return max(0.0, self.working - self.reading)

    def __enter__(self) -> Prefetched[Item]:
        self._fill()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._coming.clear()

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if not self._coming:
            raise StopIteration
        began = time.perf_counter()
        item = self._coming[0].result()
        self.waited += time.perf_counter() - began
        # Only now, so that with the one handed out no more than ahead + 1 are held at any time.
        self._coming.popleft()
        self._fill()
        return item

    def _fill(self) -> None:
        while len(self._coming) < self._ahead and (draw := next(self._draws, None)) is not None:
            self._coming.append(self._pool.submit(self._timed, draw))

    def _timed(self, draw: Callable[[], Item]) -> Item:
        began = time.perf_counter()
        try:
            return draw()
        finally:
            with self._lock:
                self.working += time.perf_counter() - began


def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads each of which keeps torch's operations to itself: the cores belong to the network."""
    before, ready = torch.get_num_threads(), Barrier(threads + 1)

    def begin() -> None:
        # A thread takes torch's number over when it first asks for it, and would forget its own if it were set before.
        torch.get_num_threads()
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, thread_name_prefix="draw", initializer=begin)
    for _ in range(threads):
        pool.submit(int)
    ready.wait()
    # torch gives a thread the number that was set last by any: those that begin after these get the old one.
    torch.set_num_threads(before)
    return pool
