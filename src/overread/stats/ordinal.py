"""Ordered grades: distance-weighted kappa, mean absolute error in grades, and ordinal AUC."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, stdtrit
from scipy.stats import rankdata

from overread.stats.agreement import cohen_kappa
from overread.stats.arrays import as_classes, as_floats, as_groups, check_confidence, same_length, unit_count
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci
from overread.stats.intervals.proportion import binomial_limits

__all__ = ["ordinal_auc", "ordinal_mae", "quadratic_kappa"]


def quadratic_kappa(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    classes: int | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Interval:
    """Quadratic-weighted kappa of grades (n,), indices from 0, with the limits of ``cohen_kappa``.

    A grade that does not occur keeps its place, so that distances stay those of the scale.

    Raises ValueError for NaN, wrong shapes, or where truth and predicted hold one and the same grade only.
    """
    t, p = as_classes(truth, "truth", classes=classes), as_classes(predicted, "predicted", classes=classes)
    grades = classes or int(max(t.max(), p.max())) + 1
    if grades < 2:
        raise ValueError("truth and predicted hold one and the same grade only; kappa does not exist")
    return cohen_kappa(
        t, p, weights="quadratic", categories=range(grades), cluster=cluster, confidence=confidence
    ).kappa


def ordinal_mae(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    classes: int | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean absolute error in grades, with the bootstrap limits of ``mean_ci``.

    ``truth`` (n,) are grades from 0; ``predicted`` (n,) may be fractional, such as an expected grade. ``classes`` is
    the number of grades of the scale, the largest in sight where not given: an error is at most one less.

    Raises ValueError for NaN, wrong shapes or a predicted grade outside the scale.
    """
    t, p = as_classes(truth, "truth", classes=classes), as_floats(predicted, "predicted")
    same_length(len(t), p, "predicted")
    top = (classes - 1) if classes else max(int(t.max()), int(np.ceil(p.max())), 1)
    if (p < 0).any() or (p > top).any():
        raise ValueError(f"predicted ranges from {p.min():g} to {p.max():g}, expected 0 to {top}")
    return mean_ci(
        np.abs(t - p),
        cluster=cluster,
        method="bca",
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        bounds=(0.0, float(top)),
    )


def ordinal_auc(
    y: ArrayLike, score: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95
) -> Interval:
    """The chance that of two cases of different grade the higher grade has the higher score, ties counting half.

    The generalised c-index; with two grades it is the AUC. ``y`` (n,) are grades, ``score`` (n,). Variance of the
    ratio of U-statistics from each case's own concordance (Newson, Stata J 2006;6:309), summed over clusters
    (n,) where given, with limits on the logit scale from Student's t. At 0 and 1 limits are Wilson's for 4 / n times
    the number of comparable pairs, the number of cases that such an area is worth there (Hanley and McNeil,
    Radiology 1982;143:29).

    Raises ValueError for NaN, wrong shapes, grades that are all equal, or one cluster only.
    """
    check_confidence(confidence)
    grades, s = as_classes(y), as_floats(score, "score")
    same_length(len(grades), s, "score")
    n = len(s)
    present, index, sizes = np.unique(grades, return_inverse=True, return_counts=True)
    if len(present) < 2:
        raise ValueError(f"y holds only grade {int(present[0])}, expected two or more grades")
    won = np.zeros(n)
    below = np.zeros(n, dtype=np.bool_)
    for grade in range(1, len(present)):
        below |= index == grade - 1
        here = index == grade
        either = np.flatnonzero(below | here)
        low = below[either]
        ranks = rankdata(s[either])
        # Mid-rank in the joint sample less that in one's own is the number beaten in the other, ties half.
        won[either[~low]] += ranks[~low] - rankdata(s[either[~low]])
        won[either[low]] += here.sum() - (ranks[low] - rankdata(s[either[low]]))
    pairs = (n - sizes[index]).astype(np.float64)
    area = float(won.sum() / pairs.sum())
    codes = as_groups(cluster, n)
    units = unit_count(codes, n)
    if units < 2:
        raise ValueError("one cluster has no interval; expected two or more")
    moved = 2 * (won - area * pairs) / pairs.sum()
    if codes is not None:
        moved = np.bincount(codes, moved)
    variance = float(units / (units - 1) * np.sum(moved**2))
    if area in (0.0, 1.0) or variance < 1e-20:
        worth = min(float(units), 2 * float(pairs.sum()) / n * units / n)
        low_limit, high_limit = binomial_limits(area * worth, worth, "wilson", confidence)
        return Interval(area, low_limit, high_limit, confidence, "Wilson of effective cases", units)
    half = float(stdtrit(units - 1, 0.5 + confidence / 2) * np.sqrt(variance)) / (area * (1 - area))
    centre = float(logit(area))
    limits = float(expit(centre - half)), float(expit(centre + half))
    return Interval(area, *limits, confidence, "U-statistic, logit scale", units)
