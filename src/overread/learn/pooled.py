"""Sums over the processes that train together, which gradients go back through.

A loss or a statistic made of such sums has the value that one process with the whole batch would have, on all of them.
Their gradients are sums over the processes as well, and the mean of the processes' gradients, which data-parallel
training takes, is then that of the one loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from overread.learn.processes import world

_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


def together() -> bool:
    """Whether sums go over several processes here."""
    return world() > 1 and not _ALONE.get()


@contextmanager
def alone() -> Iterator[None]:
    """Inside it sums are this process's own: for what one process does by itself."""
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


def pooled(value: Tensor) -> Tensor:
    """The sum of ``value`` over all processes; itself where there is one."""
    if not together():
        return value
    summed: Tensor = _Sum.apply(value)
    return summed


def pooled_mean(total: Tensor, count: Tensor | int) -> Tensor:
    """``total`` over ``count``, both summed over all processes; 0 where nothing is counted."""
    both = pooled(torch.stack([total, torch.as_tensor(count, dtype=total.dtype, device=total.device)]))
    return both[0] / both[1].clamp_min(1)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return _summed(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0])


def _summed(value: Tensor) -> Tensor:
    out = value.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(out)
    return out
