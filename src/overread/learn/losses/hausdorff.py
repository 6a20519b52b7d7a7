"""Hausdorff loss by distance transforms (Karimi 2019, arXiv 1904.10030)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from overread.learn.losses.dense import Dense, DenseLoss
from overread.learn.losses.distance import check_spacing, distance
from overread.learn.losses.protocol import Loss
from overread.learn.pooled import pooled_mean


def hausdorff(
    *,
    alpha: float = 2.0,
    logarithm: bool = True,
    spacing: Sequence[float] | None = None,
    background: bool = False,
) -> DenseLoss:
    """Mean over voxels of the squared error, times the distances to both boundaries to the power of ``alpha``.

    ``spacing`` in mm by axis, else voxels count. ``logarithm`` of 1 and the mean, without which a few far voxels
    outweigh any other loss beside it. Distances of what is found are taken where it is above one half, anew in each
    step: on a processor that may take longer than the network. These are MONAI's HausdorffDTLoss and, with the
    logarithm, LogHausdorffDTLoss.
    """
    check_spacing(spacing)
    if not alpha > 0:
        raise ValueError(f"alpha: found {alpha:g}, expected a number above 0")

    def of(dense: Dense) -> Tensor:
        d = dense if background else dense.without_background()
        counted = d.counted.expand_as(d.p)
        far = distance((d.p * counted).detach(), spacing) ** alpha + distance(d.truth, spacing) ** alpha
        mean = pooled_mean(((d.p - d.truth) ** 2 * far * counted).sum(), counted.sum())
        return torch.log1p(mean) if logarithm else mean

    return DenseLoss(of)


HAUSDORFF = Loss(hausdorff, frozenset({"label_map"}), "Karimi 2019, arXiv 1904.10030")
