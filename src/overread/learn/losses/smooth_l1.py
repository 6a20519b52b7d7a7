"""A number by smooth L1, which outliers move little, and how far off it is beside it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.pooled import pooled_mean

WIDEST = 5.0


def smooth_l1(*, beta: float = 0.5, spread_weight: float = 1.0) -> LossFunction:
    """``logits`` ``(b, 2)``, number and log of its spread, against ``value`` ``(b, 1)`` in the same units.

    The number: squared error up to ``beta``, absolute beyond (Girshick 2015, arXiv 1504.08083). The spread is fitted to
    the absolute error by the likelihood of a Laplace distribution, and moves the number in no way. The mean over the
    images of all processes; an image without a number (NaN) counts nothing.
    """
    if beta <= 0:
        raise ValueError(f"beta: found {beta!r}, expected a number above 0")

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        value = targets["value"].to(logits.dtype)[:, 0]
        stated = ~torch.isnan(value)
        value = torch.where(stated, value, logits[:, 0].detach())
        error = F.smooth_l1_loss(logits[:, 0], value, beta=beta, reduction="none")
        spread = logits[:, 1].clamp(-WIDEST, WIDEST)
        expected = spread + (value - logits[:, 0]).detach().abs() * torch.exp(-spread)
        return pooled_mean(((error + spread_weight * expected) * stated).sum(), stated.sum())

    return compute


SMOOTH_L1 = Loss(smooth_l1, frozenset({"value"}), "Girshick 2015, arXiv 1504.08083; torch")
