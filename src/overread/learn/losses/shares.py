"""Targets of classes as shares: one class, the votes of several readers, or a mixture of two images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def class_shares(
    label: Tensor, classes: int, *, smoothing: float = 0.0, dtype: torch.dtype = torch.float32
) -> Tensor:
    """``(b, classes)`` that sum to 1, from class indices ``(b,)`` or from such shares.

    ``smoothing`` is the share that is spread over all classes alike (Szegedy 2016, arXiv 1512.00567).
    """
    shares = label.to(dtype) if label.ndim == 2 else F.one_hot(label.long(), classes).to(dtype)
    return shares if not smoothing else shares * (1 - smoothing) + smoothing / classes


def numbers_of(name: str, given: Sequence[float] | None, *, least: float = -math.inf) -> None:
    """Raise ValueError unless ``given`` are finite numbers of ``least`` or more, one a class; None is fine."""
    if given is not None and not all(math.isfinite(v) and v >= least for v in given):
        raise ValueError(f"{name}: found {list(given)}, expected a finite number for each class")
