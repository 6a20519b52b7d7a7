"""Sensitivity where the specificity is fixed, the reverse, and a band around the whole curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_floats, as_groups, check_confidence, unit_count
from overread.stats.bootstrap import limits, resampling_name
from overread.stats.interval import Interval
from overread.stats.roc.curve import checked
from overread.stats.roc.partial import whole_curve
from overread.stats.roc.resample import certain_share, curve_blocks


@dataclass(frozen=True)
class RocBand:
    """Sensitivity with pointwise limits at each false-positive rate, all (m,)."""

    false_positive_rate: Floats
    sensitivity: Floats
    low: Floats
    high: Floats
    confidence: float
    method: str


def sensitivity_at_specificity(
    y: ArrayLike,
    score: ArrayLike,
    *,
    specificity: float,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Sensitivity at the threshold that has this specificity, with a percentile bootstrap interval.

    The ROC curve is joined by straight lines. Each resample finds its own threshold, so that the interval
    holds the uncertainty of the threshold too (Zhou, Obuchowski and McClish 2011, 4.2); cases are drawn
    within classes, or whole clusters (n,) are. Where no resample differs, as with perfect separation, the
    limits are Wilson's.

    Raises ValueError for a specificity outside 0 to 1, and as ``auc`` does.
    """
    labels, s = checked(y, score)
    return _at(labels, s, 1 - _rate(specificity, "specificity"), confidence, cluster, resamples, seed)


def specificity_at_sensitivity(
    y: ArrayLike,
    score: ArrayLike,
    *,
    sensitivity: float,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Specificity at the threshold that has this sensitivity: as ``sensitivity_at_specificity`` reversed."""
    labels, s = checked(y, score)
    # Exchanging the classes and turning the scores round exchanges the two axes of the curve.
    return _at(~labels, -s, 1 - _rate(sensitivity, "sensitivity"), confidence, cluster, resamples, seed)


def roc_band(
    y: ArrayLike,
    score: ArrayLike,
    *,
    fpr: ArrayLike | None = None,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> RocBand:
    """Pointwise bootstrap band of sensitivity at false-positive rates ``fpr`` (m,); 0, 0.01, ... 1 if None.

    Each point's limits are those of ``sensitivity_at_specificity``; the band holds the whole true curve less
    often than each point.
    """
    check_confidence(confidence)
    labels, s = checked(y, score)
    grid = np.linspace(0, 1, 101) if fpr is None else as_floats(fpr, "fpr")
    if (grid < 0).any() or (grid > 1).any():
        raise ValueError(f"fpr ranges from {grid.min():g} to {grid.max():g}, expected 0 to 1")
    codes = as_groups(cluster, len(labels))
    estimate = _heights(*whole_curve(labels, s), grid)[0]
    blocks = curve_blocks(labels, s, codes, resamples, seed)
    replicates = np.concatenate([_heights(*block, grid) for block in blocks])
    alpha = (1 - confidence) / 2
    low, high = np.quantile(replicates, [alpha, 1 - alpha], axis=0)
    for k in np.flatnonzero((np.ptp(replicates, axis=0) == 0) & np.isin(estimate, (0, 1)) & (grid < 1)):
        share = certain_share(labels, codes, bool(estimate[k] == 1), confidence)
        low[k], high[k] = share.low, share.high
    name = resampling_name(codes, within_classes=True)
    return RocBand(grid, estimate, low, high, confidence, f"{name}, percentile, pointwise")


def _at(
    labels: np.ndarray,
    s: Floats,
    fpr: float,
    confidence: float,
    cluster: ArrayLike | None,
    resamples: int,
    seed: int,
) -> Interval:
    check_confidence(confidence)
    codes = as_groups(cluster, len(labels))
    n = unit_count(codes, len(labels))
    grid = np.array([fpr])
    estimate = float(_heights(*whole_curve(labels, s), grid)[0, 0])
    blocks = curve_blocks(labels, s, codes, resamples, seed)
    replicates = np.concatenate([_heights(*block, grid)[:, 0] for block in blocks])
    if np.ptp(replicates) == 0 and estimate in (0.0, 1.0) and fpr < 1:
        return certain_share(labels, codes, estimate == 1, confidence)
    name = resampling_name(codes, within_classes=True)
    return limits(estimate, replicates, method="percentile", confidence=confidence, n=n, name=name)


def _heights(fpr: Floats, tpr: Floats, grid: Floats) -> Floats:
    """Hit rates (b, g) of curves (b, m) at false-positive rates (g,): the highest of a vertical step."""
    rows = np.arange(len(fpr))
    out = np.empty((len(fpr), len(grid)))
    for column, rate in enumerate(grid):
        # Rates are ratios of whole numbers: the tolerance keeps 1 - 0.9 on the step at 0.1.
        last = (fpr <= rate + 1e-12).sum(axis=1) - 1
        after = np.minimum(last + 1, fpr.shape[1] - 1)
        run = fpr[rows, after] - fpr[rows, last]
        share = np.divide(rate - fpr[rows, last], run, out=np.zeros(len(rows)), where=run > 0)
        out[:, column] = tpr[rows, last] + np.clip(share, 0, 1) * (tpr[rows, after] - tpr[rows, last])
    return out


def _rate(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}, expected 0 to 1")
    return float(value)
