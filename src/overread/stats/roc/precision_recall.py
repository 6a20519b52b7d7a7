"""Precision and recall of a score: the curve, and its area as average precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_groups, check_confidence, unit_count
from overread.stats.bootstrap import defined, limits, resampling_name, weighted_jackknife, weighted_replicates
from overread.stats.interval import Interval
from overread.stats.roc.curve import checked
from overread.stats.roc.resample import cluster_strata


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """One point per distinct score, from the highest: ``thresholds`` (m,), ``precision`` (m,), ``recall`` (m,)."""

    thresholds: Floats
    precision: Floats
    recall: Floats


def precision_recall_curve(y: ArrayLike, score: ArrayLike) -> PrecisionRecallCurve:
    """Precision (positive predictive value) and recall (sensitivity) of score (n,) >= each distinct threshold.

    Raises ValueError for NaN, wrong shapes or a class without a case.
    """
    labels, s = checked(y, score)
    points = _Points(labels, s)
    precision, recall = points(np.ones((1, len(s))))
    return PrecisionRecallCurve(points.levels, precision[0], recall[0])


def average_precision(
    y: ArrayLike,
    score: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    method: Literal["percentile", "bca"] = "bca",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean of the precision at each positive, with a bootstrap interval.

    The sum of precision times step of recall, without interpolation between points (which is too optimistic: Davis
    and Goadrich, ICML 2006), as scikit-learn gives it. A score that tells nothing has the prevalence. Cases are
    resampled within classes, so the limits are for data of this prevalence; with ``cluster`` (n,) whole clusters are.
    Where no resample differs (perfect separation) limits are percentiles: both are the estimate, and the method says
    so.

    Raises ValueError as ``precision_recall_curve`` does, or for a single cluster.
    """
    check_confidence(confidence)
    labels, s = checked(y, score)
    codes = as_groups(cluster, len(labels))
    units = unit_count(codes, len(labels))
    statistic = WeightedAveragePrecision(labels, s)
    rows = np.arange(len(labels)) if codes is None else codes
    strata = labels.astype(np.int64) if codes is None else cluster_strata(labels, codes)
    estimate = float(statistic(np.ones((1, len(labels))))[0])
    replicates = defined(weighted_replicates(statistic, rows, units, resamples, seed, strata=strata))
    name = resampling_name(codes, within_classes=True)
    outside = not replicates.min() < estimate < replicates.max()
    if method == "percentile" or outside:
        if np.ptp(replicates) == 0:
            name += ", no resample differs"
        return limits(estimate, replicates, method="percentile", confidence=confidence, n=units, name=name)
    if method != "bca":
        raise ValueError(f"method is {method!r}, expected 'percentile' or 'bca'")
    left_out = weighted_jackknife(statistic, rows, units, strata=strata)
    return limits(
        estimate, replicates, method="bca", confidence=confidence, n=units, jackknife=left_out, name=name
    )


class WeightedAveragePrecision:
    """Average precision of many weightings of the same scored cases, sorted once; NaN without a positive."""

    def __init__(self, labels: Bools, s: Floats) -> None:
        self._points = _Points(labels, s)

    def __call__(self, weights: Floats) -> Floats:
        """``weights`` (b, n); returns (b,)."""
        precision, recall = self._points(weights)
        area: Floats = (precision * np.diff(recall, axis=1, prepend=0.0)).sum(axis=1)
        return area


class _Points:
    """Points of the curve under any case weights, sorted once."""

    def __init__(self, labels: Bools, s: Floats) -> None:
        self.order = np.argsort(-s, kind="stable")
        self.positive = labels[self.order]
        ranked = s[self.order]
        self.ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        self.levels = ranked[self.ends]

    def __call__(self, weights: Floats) -> tuple[Floats, Floats]:
        """Precision and recall (b, m) under weights (b, n); recall is NaN where no positive has weight."""
        w = weights[:, self.order]
        called = np.cumsum(w, axis=1)[:, self.ends]
        right = np.cumsum(w * self.positive, axis=1)[:, self.ends]
        total = right[:, -1:]
        precision = np.divide(right, called, out=np.zeros_like(right), where=called > 0)
        recall = np.divide(right, total, out=np.full_like(right, np.nan), where=total > 0)
        return precision, recall
