"""Area under a part of the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_groups, check_confidence, unit_count
from overread.stats.bootstrap import limits, resampling_name
from overread.stats.interval import Interval
from overread.stats.roc.curve import checked, roc_curve
from overread.stats.roc.resample import certain_share, curve_blocks

Range = tuple[float, float] | float


def partial_auc(
    y: ArrayLike,
    score: ArrayLike,
    *,
    fpr: Range | None = None,
    specificity: Range | None = None,
    sensitivity: Range | None = None,
    standardised: bool = False,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Area under the ROC curve over a range of one axis, with a percentile bootstrap interval.

    Give one range: false-positive rates ``fpr`` (a single number f means 0 to f), the same as
    ``specificity`` (s means s to 1), or ``sensitivity`` (s means s to 1), for which the area lies to the
    right of the curve. The curve is joined by straight lines.

    ``standardised`` maps the area of the chance diagonal to 0.5 and the largest possible one to 1 (McClish,
    Med Decis Making 1989;9:190), as scikit-learn's ``max_fpr`` and pROC's ``partial.auc.correct`` do.
    Cases are resampled within classes; with ``cluster`` (n,) whole clusters are. Where no resample differs, as
    with perfect separation, the limits are those of a hit rate of 0 or 1 all along the range (Wilson).

    Raises ValueError for a range outside 0 to 1 or without length, more than one range, and as ``auc`` does.
    """
    check_confidence(confidence)
    labels, s = checked(y, score)
    low, high, flipped = partial_range(fpr, specificity, sensitivity)
    if flipped:
        labels, s = ~labels, -s
    codes = as_groups(cluster, len(labels))
    n = unit_count(codes, len(labels))
    chance, largest = (high**2 - low**2) / 2, high - low

    def scale(part: Floats) -> Floats:
        return (1 + (part - chance) / (largest - chance)) / 2 if standardised else part

    def area(false_positive_rate: Floats, hit_rate: Floats) -> Floats:
        return scale(area_between(false_positive_rate, hit_rate, low, high))

    estimate = float(area(*whole_curve(labels, s))[0])
    blocks = curve_blocks(labels, s, codes, resamples, seed)
    replicates = np.concatenate([area(*block) for block in blocks])
    if np.ptp(replicates) == 0 and estimate in scale(np.array([0.0, largest])):
        # The height of the curve is 0 or 1 all along the range: so are the limits of a hit rate.
        share = certain_share(labels, codes, estimate == scale(np.array([largest]))[0], confidence)
        ends = scale(largest * np.array([share.low, share.high]))
        return Interval(
            estimate, float(ends[0]), float(ends[1]), confidence, "no resample differs: Wilson", n
        )
    name = resampling_name(codes, within_classes=True)
    return limits(estimate, replicates, method="percentile", confidence=confidence, n=n, name=name)


def whole_curve(labels: Bools, s: Floats) -> tuple[Floats, Floats]:
    """False-positive and hit rates (1, m) of the data themselves."""
    curve = roc_curve(labels, s)
    return curve.false_positive_rate[None], curve.sensitivity[None]


def area_between(fpr: Floats, tpr: Floats, low: float, high: float) -> Floats:
    """Trapezoid area (b,) of curves (b, m) between two false-positive rates."""
    start, stop = np.clip(fpr[:, :-1], low, high), np.clip(fpr[:, 1:], low, high)
    run = fpr[:, 1:] - fpr[:, :-1]
    rise = tpr[:, 1:] - tpr[:, :-1]
    share = np.divide((start + stop) / 2 - fpr[:, :-1], run, out=np.zeros_like(run), where=run > 0)
    areas: Floats = np.einsum("ij,ij->i", stop - start, tpr[:, :-1] + rise * share)
    return areas


def partial_range(
    fpr: Range | None, specificity: Range | None, sensitivity: Range | None
) -> tuple[float, float, bool]:
    """Limits of a range on the false-positive axis, and whether the axes change places for a sensitivity range."""
    given = [
        (name, value)
        for name, value in (("fpr", fpr), ("specificity", specificity), ("sensitivity", sensitivity))
        if value is not None
    ]
    if len(given) != 1:
        raise ValueError("expected one range: fpr, specificity or sensitivity, such as fpr=(0, 0.1)")
    name, value = given[0]
    ends = np.atleast_1d(np.asarray(value, dtype=np.float64))
    if ends.shape not in ((1,), (2,)) or not np.isfinite(ends).all():
        raise ValueError(f"{name} range is {value}, expected one or two numbers between 0 and 1")
    if len(ends) == 1:
        ends = np.append(ends, 0.0 if name == "fpr" else 1.0)
    first, second = float(ends.min()), float(ends.max())
    if not (0 <= first < second <= 1):
        raise ValueError(f"{name} range is {first:g} to {second:g}, expected 0 <= from < to <= 1")
    return (first, second, False) if name == "fpr" else (1 - second, 1 - first, name == "sensitivity")
