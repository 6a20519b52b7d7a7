"""Focal loss on the heat map of centres, and L1 on size and offset there (Zhou 2019, arXiv 1904.07850)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.pooled import pooled_mean

# The exponents of the paper (and of Law 2018, arXiv 1808.01244): hard cells, and mercy beside a centre.
ALPHA, BETA = 2.0, 4.0


def center_focal(*, size_weight: float = 1.0, offset_weight: float = 1.0) -> LossFunction:
    """Outputs and targets ``heat`` ``(b, labels, *cells)``, ``size`` and ``offset`` ``(b, d, *cells)``.

    The heat target is 1 at a centre, falls off beside it, and NaN where nothing is known; size and offset are NaN but
    at centres. NaN counts neither in the value nor in the gradient. Sums are divided by the number of centres, both of
    all processes. Sizes are logarithms here, not voxels as in the paper, so their weight is 1 and not 0.1.
    """

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits, heat = full(outputs["heat"]), targets["heat"].float()
        known = ~torch.isnan(heat)
        heat = torch.where(known, heat, torch.zeros_like(heat))
        centre = (heat == 1) & known
        p = logits.sigmoid()
        there = (1 - p) ** ALPHA * F.logsigmoid(logits) * centre
        beside = (1 - heat) ** BETA * p**ALPHA * F.logsigmoid(-logits) * (known & ~centre)
        loss = -pooled_mean(there.sum() + beside.sum(), centre.sum())
        return (
            loss
            + size_weight * _distance(outputs["size"], targets["size"])
            + offset_weight * _distance(outputs["offset"], targets["offset"])
        )

    return compute


def _distance(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference where the target is a number; 0 where it is nowhere."""
    known = ~torch.isnan(target)
    difference = (full(output) - torch.where(known, target.float(), torch.zeros_like(target))).abs()
    return pooled_mean((difference * known).sum(), known.sum())


CENTER_FOCAL = Loss(center_focal, frozenset({"objects"}), "Zhou 2019, arXiv 1904.07850")
