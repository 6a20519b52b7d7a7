"""Two partial areas of the same cases compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from overread.stats.arrays import as_groups, check_confidence, unit_count
from overread.stats.bootstrap import limits, resampling_name
from overread.stats.interval import Interval
from overread.stats.roc.curve import checked
from overread.stats.roc.partial import Range, area_between, partial_range, whole_curve
from overread.stats.roc.resample import curve_blocks


@dataclass(frozen=True)
class PartialAucComparison:
    """Two partial areas, their difference (first minus second), and the test that it is 0."""

    first: Interval
    second: Interval
    difference: Interval
    statistic: float
    p_value: float
    method: str


def partial_auc_test(
    y: ArrayLike,
    score1: ArrayLike,
    score2: ArrayLike,
    *,
    fpr: Range | None = None,
    specificity: Range | None = None,
    sensitivity: Range | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> PartialAucComparison:
    """Test that two scores (n,) of the same cases have equal areas over one range, given as in ``partial_auc``.

    The difference over its bootstrap standard deviation is referred to the normal distribution (Hanley and McNeil,
    Radiology 1983;148:839, with the error by resampling, as pROC does); limits are percentiles. Both curves come from
    the same resamples: of cases within classes, or of whole clusters.

    Raises ValueError as ``partial_auc`` does, and where no resample differs.
    """
    check_confidence(confidence)
    labels, first = checked(y, score1, "score1")
    _, second = checked(y, score2, "score2")
    low, high, flipped = partial_range(fpr, specificity, sensitivity)
    if flipped:
        labels, first, second = ~labels, -first, -second
    codes = as_groups(cluster, len(labels))
    n = unit_count(codes, len(labels))
    estimates = [float(area_between(*whole_curve(labels, s), low, high)[0]) for s in (first, second)]
    replicates = [
        np.concatenate(
            [area_between(*block, low, high) for block in curve_blocks(labels, s, codes, resamples, seed)]
        )
        for s in (first, second)
    ]
    difference = replicates[0] - replicates[1]
    error = float(difference.std(ddof=1))
    if error == 0:
        raise ValueError("no resample differs: the two areas have no variance to compare them by")
    name = resampling_name(codes, within_classes=True)
    observed = estimates[0] - estimates[1]
    found = [
        limits(e, r, method="percentile", confidence=confidence, n=n, name=name)
        for e, r in zip((*estimates, observed), (*replicates, difference), strict=True)
    ]
    z = observed / error
    return PartialAucComparison(found[0], found[1], found[2], z, float(2 * ndtr(-abs(z))), f"{name}, normal")
