"""Generalised Dice: labels weigh by the square of how little of them there is (Sudre 2017, arXiv 1707.03237)."""

from __future__ import annotations

from torch import Tensor

from overread.learn.losses.dense import Dense, DenseLoss
from overread.learn.losses.overlap import SMOOTH, overlap
from overread.learn.losses.protocol import Loss
from overread.learn.pooled import pooled_mean


def generalised_dice(*, background: bool = True, per_image: bool = False) -> DenseLoss:
    """1 less twice the common parts over found and true of all labels, each by 1 over its true voxels squared.

    Labels that are not shown weigh nothing. It is MONAI's GeneralizedDiceLoss, but for weights that are relative to
    the largest: theirs are of the order of the constant that is added against 0 where a structure is large.
    """

    def of(dense: Dense) -> Tensor:
        sums = overlap(dense, background=background, per_image=per_image)
        shown = (sums.true > 0).to(sums.true.dtype)
        least = sums.true.where(sums.true > 0, sums.true.max()).min(1, keepdim=True).values
        weights = shown * (least / sums.true.clamp_min(1)) ** 2
        common, all_of = (weights * sums.common).sum(1), (weights * (sums.found + sums.true)).sum(1)
        each = (1 - (2 * common + SMOOTH) / (all_of + SMOOTH)) * shown.amax(1)
        return pooled_mean(each.sum(), shown.amax(1).sum()) if per_image else each[0]

    return DenseLoss(of)


GENERALISED_DICE = Loss(generalised_dice, frozenset({"label_map"}), "Sudre 2017, arXiv 1707.03237")
