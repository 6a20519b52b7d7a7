"""Overlap of what is found with what is true, as losses of label maps sum it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from overread.learn.losses.dense import Dense
from overread.learn.pooled import pooled, pooled_mean

SMOOTH = 1e-5
"""Added to counts of voxels above and below a fraction, so that there is one where nothing is counted."""


class Overlap(NamedTuple):
    """Sums of probability and truth ``(groups, labels)``: of both together, of what is found, of what is true.

    One group for all images of all processes, or one an image of this process.
    """

    common: Tensor
    found: Tensor
    true: Tensor
    per_image: bool

    def mean(self, of_label: Tensor) -> Tensor:
        """Mean of ``of_label`` ``(groups, labels)`` over the labels that are shown; 0 where none is.

        One that is not shown has nothing to overlap with: what is found of it costs cross-entropy.
        """
        shown = (self.true > 0).to(of_label.dtype)
        if self.per_image:
            return pooled_mean((of_label * shown).sum(), shown.sum())
        return (of_label * shown).sum() / shown.sum().clamp_min(1)


def overlap(dense: Dense, *, background: bool = False, per_image: bool = False) -> Overlap:
    """The sums over all that counts: pooled over the batch and all processes, or ``per_image``.

    Pooled, an empty patch beside a full one does not count as a miss. ``background``: of labels that exclude each
    other the first one too.
    """
    of = dense if background else dense.without_background()
    axes = list(range(2, of.p.ndim))
    found = of.p * of.counted
    sums = torch.stack([(found * of.truth).sum(axes), found.sum(axes), of.truth.sum(axes)])
    if not per_image:
        sums = pooled(sums.sum(1, keepdim=True))
    return Overlap(sums[0], sums[1], sums[2], per_image)
