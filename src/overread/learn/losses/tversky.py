"""Tversky: overlap in which what is missed and what is found in vain weigh differently, and its focal form."""

from __future__ import annotations

from torch import Tensor

from overread.learn.losses.dense import Dense, DenseLoss
from overread.learn.losses.overlap import SMOOTH, overlap
from overread.learn.losses.protocol import Loss

# The slope of a power below 1 is infinite at 0: a perfect answer stays so little above.
LEAST = 1e-8


def tversky(
    *, alpha: float = 0.3, beta: float = 0.7, background: bool = False, per_image: bool = False
) -> DenseLoss:
    """1 less the common part over itself, ``alpha`` of what is found in vain and ``beta`` of what is missed.

    Salehi 2017 (arXiv 1706.05721); one half and one half are Dice. The mean over the labels that are shown.
    """
    return focal_tversky(alpha=alpha, beta=beta, gamma=1.0, background=background, per_image=per_image)


def focal_tversky(
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 4 / 3,
    background: bool = False,
    per_image: bool = False,
) -> DenseLoss:
    """`tversky` of each label to the power of ``1 / gamma`` (Abraham 2018, arXiv 1810.07842).

    Above 1 it goes on learning from labels that are nearly right, below 1 from those that are nearly missed.
    """
    if min(alpha, beta) < 0 or alpha + beta == 0 or not gamma > 0:
        raise ValueError(
            f"alpha, beta, gamma: found {alpha:g}, {beta:g}, {gamma:g}, expected numbers from 0, one of the first two "
            "and gamma above 0"
        )

    def of(dense: Dense) -> Tensor:
        sums = overlap(dense, background=background, per_image=per_image)
        common = sums.common
        below = common + alpha * (sums.found - common) + beta * (sums.true - common)
        missed = 1 - (common + SMOOTH) / (below + SMOOTH)
        return sums.mean(missed if gamma == 1 else missed.clamp_min(LEAST) ** (1 / gamma))

    return DenseLoss(of)


TVERSKY = Loss(tversky, frozenset({"label_map"}), "Salehi 2017, arXiv 1706.05721")
FOCAL_TVERSKY = Loss(focal_tversky, frozenset({"label_map"}), "Abraham 2018, arXiv 1810.07842")
