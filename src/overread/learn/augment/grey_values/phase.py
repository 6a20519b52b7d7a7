"""Lines of an image's spectrum along one axis: what MR records one after the other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def axis_at(where: float, x: Tensor) -> int:
    """The axis of ``(channels, *spatial)`` at ``where`` of its spatial ones, 0 to below 1."""
    return 1 + int(where * (x.ndim - 1))


def through_lines(x: Tensor, axis: int, change: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """``x`` after ``change`` of its spectrum along ``axis``: it gets the lines and their frequencies (0 is the mean).

    The spectrum is that of a real image: half of the lines. Frequencies are broadcast against the lines.
    """
    n = x.shape[axis]
    lines = torch.fft.rfft(x, dim=axis)
    shape = [-1 if a == axis else 1 for a in range(x.ndim)]
    frequencies = torch.arange(lines.shape[axis], device=x.device).view(shape)
    return torch.fft.irfft(change(lines, frequencies), n=n, dim=axis)
