"""clDice: overlap of skeletons with masks, for vessels and membranes (Shit 2021, arXiv 2003.07311)."""

from __future__ import annotations

from torch import Tensor

from overread.learn.losses.dense import Dense, DenseLoss
from overread.learn.losses.overlap import Overlap, overlap
from overread.learn.losses.protocol import Loss

# Voxels of skeleton that are added above and below: the authors' own.
SMOOTH = 1.0


def cl_dice(*, iterations: int = 3, per_image: bool = False) -> DenseLoss:
    """1 less the harmonic mean of two shares: of the found skeleton in the truth, of the true one in what is found.

    Soft skeletons by ``iterations`` of erosion and opening, which should be the half width in voxels of the thickest
    structure (MONAI's ``soft_skel``). The mean over the foreground labels that are shown. Skeletons know nothing of
    width: put Dice beside it, as the authors do (`overread.learn.losses.compound`).
    """
    if iterations < 0:
        raise ValueError(f"iterations: found {iterations}, expected a whole number from 0")

    def of(dense: Dense) -> Tensor:
        from dataclasses import replace

        from monai.losses.cldice import soft_skel

        d = dense.without_background()
        found = d.p * d.counted
        # Skeleton against mask, and mask against skeleton: the sums that overlap has anyhow.
        precise = overlap(replace(d, p=soft_skel(found, iterations)), background=True, per_image=per_image)
        whole = overlap(
            replace(d, truth=soft_skel(d.truth, iterations)), background=True, per_image=per_image
        )
        precision, sensitivity = _share(precise, precise.found), _share(whole, whole.true)
        shares = 2 * precision * sensitivity / (precision + sensitivity)
        return precise.mean(1 - shares)

    return DenseLoss(of)


def _share(sums: Overlap, below: Tensor) -> Tensor:
    return (sums.common + SMOOTH) / (below + SMOOTH)


CL_DICE = Loss(cl_dice, frozenset({"label_map"}), "Shit 2021, arXiv 2003.07311; MONAI")
