"""What makes the same seed give the same network: kernels without chance, where the plan promises it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def repeatable(wanted: bool) -> Iterator[None]:
    """Choose deterministic kernels inside it, if ``wanted``.

    On a processor every kernel is, for a given number of threads. On a GPU some sum in the order in which threads
    happen to end; where an operation knows no other way, torch warns and goes on.
    """
    if not (wanted and torch.cuda.is_available()):
        yield
        return
    cudnn = torch.backends.cudnn
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.deterministic,
        cudnn.benchmark,
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        cudnn.deterministic, cudnn.benchmark = before[2:]
