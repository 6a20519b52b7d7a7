"""Boundary loss: what is wrong counts by how far it is from the true boundary (Kervadec 2019, arXiv 1812.07032)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from overread.learn.losses.dense import Dense, DenseLoss
from overread.learn.losses.distance import check_spacing, signed_distance
from overread.learn.losses.protocol import Loss
from overread.learn.pooled import pooled_mean


def boundary(*, spacing: Sequence[float] | None = None, background: bool = False) -> DenseLoss:
    """Mean over voxels of the signed distance to the true boundary, times probability less truth.

    ``spacing`` in mm by axis, else voxels count. The paper leaves out the truth, which is a constant; with it a perfect
    answer costs 0 and every other one more. A label that an image does not show, or that fills it, has no boundary and
    costs nothing: put an overlap or cross-entropy beside it (`overread.learn.losses.compound`).
    """
    check_spacing(spacing)

    def of(dense: Dense) -> Tensor:
        d = dense if background else dense.without_background()
        wrong = signed_distance(d.truth, spacing) * (d.p - d.truth) * d.counted
        return pooled_mean(wrong.sum(), d.counted.expand_as(d.p).sum())

    return DenseLoss(of)


BOUNDARY = Loss(boundary, frozenset({"label_map"}), "Kervadec 2019, arXiv 1812.07032")
