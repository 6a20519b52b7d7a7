"""Cross-entropy of every voxel, and its focal form (Lin 2017, arXiv 1708.02002)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from overread.errors import InputError
from overread.learn.losses.dense import Dense, DenseLoss
from overread.learn.losses.protocol import Loss
from overread.learn.losses.shares import numbers_of
from overread.learn.pooled import pooled_mean


def voxel_cross_entropy(*, weights: Sequence[float] | None = None) -> DenseLoss:
    """Negative logarithm of the probability of the truth, the mean over all voxels (and regions) that count.

    ``weights`` count voxels of each label so often, and the mean is one by weight, as torch has it; of regions they
    count what is missed of each.
    """
    return voxel_focal(gamma=0.0, weights=weights)


def voxel_focal(*, gamma: float = 2.0, weights: Sequence[float] | None = None) -> DenseLoss:
    """`voxel_cross_entropy` in which each voxel counts by how wrong it is, to the power of ``gamma``.

    With a softmax it is MONAI's FocalLoss times the number of labels (theirs is a mean over labels too), for regions
    the very same.
    """
    if not gamma >= 0:
        raise ValueError(f"gamma: found {gamma!r}, expected a number from 0")
    numbers_of("weights", weights, least=0)
    return DenseLoss(lambda dense: focal_of(dense, gamma=gamma, weights=weights))


def focal_of(dense: Dense, *, gamma: float = 0.0, weights: Sequence[float] | None = None) -> Tensor:
    """See `voxel_focal`."""
    w = None if weights is None else _by_label(dense.p, weights)
    if dense.log_absent is None:
        here = dense.truth if w is None else dense.truth * w
        each = -here * dense.log_p
        if gamma:
            each = each * _wrong(dense.p, gamma)
        # Of every voxel that counts exactly one label is true.
        return pooled_mean(each.sum(), here.sum())
    absent = dense.counted - dense.truth
    there, beside = -dense.truth * dense.log_p, -absent * dense.log_absent
    if gamma:
        there, beside = there * _wrong(dense.p, gamma), beside * _wrong(1 - dense.p, gamma)
    if w is not None:
        there = there * w
    return pooled_mean((there + beside).sum(), dense.counted.expand_as(dense.p).sum())


def _wrong(p: Tensor, gamma: float) -> Tensor:
    # The slope of a power below 1 is infinite at 0.
    wrong = (1 - p).clamp_min(1e-8 if gamma < 1 else 0)
    squared: Tensor = wrong**gamma
    return squared


def _by_label(p: Tensor, weights: Sequence[float]) -> Tensor:
    if len(weights) != p.shape[1]:
        raise InputError(f"loss: weights: found {len(weights)} numbers, expected {p.shape[1]}, one a label")
    return torch.as_tensor(weights, dtype=p.dtype, device=p.device).reshape(1, -1, *(1,) * (p.ndim - 2))


VOXEL_CROSS_ENTROPY = Loss(voxel_cross_entropy, frozenset({"label_map"}), "torch; MONAI")
VOXEL_FOCAL = Loss(voxel_focal, frozenset({"label_map"}), "Lin 2017, arXiv 1708.02002")
