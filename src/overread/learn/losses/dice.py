"""Soft Dice (Milletari 2016, arXiv 1606.04797)."""

from __future__ import annotations

from torch import Tensor

from overread.learn.losses.dense import Dense, DenseLoss
from overread.learn.losses.overlap import SMOOTH, overlap
from overread.learn.losses.protocol import Loss


def dice(*, background: bool = False, per_image: bool = False) -> DenseLoss:
    """1 less twice the common part over the sum of found and true, the mean over the labels that are shown.

    Pooled over the batch, or ``per_image``; with ``background`` it is a label as the others. Where every label is shown
    it is MONAI's DiceLoss.
    """
    return DenseLoss(lambda dense: dice_of(dense, background=background, per_image=per_image))


def dice_of(dense: Dense, *, background: bool, per_image: bool) -> Tensor:
    """See `dice`."""
    sums = overlap(dense, background=background, per_image=per_image)
    return sums.mean(1 - (2 * sums.common + SMOOTH) / (sums.found + sums.true + SMOOTH))


DICE = Loss(dice, frozenset({"label_map"}), "Milletari 2016, arXiv 1606.04797")
