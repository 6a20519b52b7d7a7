"""Work on one set of pictures, here or shared out to processes that each hold the pictures once."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.float16]
Run = Callable[[Callable[[Halves, Any], Any], Sequence[Any]], Iterable[Any]]

# Libraries of linear algebra read these when they load; a thread each beside one process per core only gets in
# the way.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_pictures: Halves | None = None


@contextmanager
def worker_pool(pictures: Halves, workers: int) -> Iterator[Run]:
    """A function that calls another on ``pictures`` and each of some jobs; results come in the jobs' order."""
    if workers <= 1:
        yield lambda function, jobs: (function(pictures, job) for job in jobs)
        return
    before = {k: os.environ.get(k) for k in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        with ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_hold, initargs=(pictures,)
        ) as pool:
            try:
                yield lambda function, jobs: pool.map(partial(_on_pictures, function), jobs)
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _hold(pictures: Halves) -> None:
    global _pictures
    _pictures = pictures


def _on_pictures(function: Callable[[Halves, Any], Any], job: Any) -> Any:
    if _pictures is None:
        raise RuntimeError("the process was started without pictures")
    return function(_pictures, job)
