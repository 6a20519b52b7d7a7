"""Sizes from two ROC curves that were observed in a pilot."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from overread.stats.arrays import as_groups
from overread.stats.power.result import Alternative, SampleSize, check_choice, whole, z_alpha, z_power
from overread.stats.roc.curve import checked
from overread.stats.roc.placements import areas


def auc_difference_from_pilot(
    y: ArrayLike,
    score1: ArrayLike,
    score2: ArrayLike,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    alternative: Alternative = "two-sided",
    positives: float | None = None,
    cluster: ArrayLike | None = None,
    round_up: bool = True,
) -> SampleSize:
    """Cases to show that two areas differ, from both scores (n,) of the same pilot cases ``y`` (n,).

    DeLong's variance of the difference, which holds the correlation of the two scores, falls with the number of cases
    at the pilot's ratio of negatives to positives: n = pilot positives (z_alpha + z_beta)^2 V / difference^2
    (Obuchowski and McClish, Stat Med 1997;16:1529, with the variance observed). With ``positives`` their power is
    returned. The observed difference is itself uncertain, and a pilot of few cases says little: plan with a difference
    worth finding where that is known (`auc_difference`).

    Raises ValueError as ``delong_test`` does, and where the observed areas do not differ in the direction of the
    alternative.
    """
    check_choice("alternative", alternative, ("two-sided", "greater", "less"))
    labels, first = checked(y, score1, "score1")
    _, second = checked(y, score2, "score2")
    codes = as_groups(cluster, len(labels))
    found = areas(labels, np.array([first, second]), codes=codes)
    difference = float(found.area[0] - found.area[1])
    if (
        difference == 0
        or (alternative == "greater") & (difference < 0)
        or (alternative == "less") & (difference > 0)
    ):
        raise ValueError(
            f"the areas are {found.area[0]:.3f} and {found.area[1]:.3f}: no difference in the direction "
            f"{alternative!r} to plan for"
        )
    contrast = np.array([1.0, -1.0])
    variance = float(contrast @ found.covariance @ contrast)
    if not variance > 0:
        raise ValueError("the difference has no variance: two cases of each class or more are needed")
    m, n = int(labels.sum()), int((~labels).sum())
    za = z_alpha(alpha, alternative)
    if positives is None:
        needed = m * (za + z_power(power)) ** 2 * variance / difference**2
        positives = whole(needed, round_up=round_up)
    reached = float(ndtr(abs(difference) / np.sqrt(variance * m / positives) - za))
    negatives = whole(positives * n / m, round_up=round_up)
    return SampleSize(
        n=positives + negatives,
        power=reached,
        groups={"positive": positives, "negative": negatives},
        method=f"two AUCs of a pilot, DeLong variance, {alternative}",
        assumptions={
            "auc1": float(found.area[0]),
            "auc2": float(found.area[1]),
            "alpha": alpha,
            "power": power,
            "pilot_positives": m,
            "pilot_negatives": n,
        },
    )
