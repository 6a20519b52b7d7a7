"""Calibration without bins: a smooth curve, and the indices that integrate its distance from the diagonal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from overread.stats.arrays import (
    Bools,
    Floats,
    Ints,
    as_groups,
    as_probabilities,
    check_confidence,
    unit_count,
)
from overread.stats.bootstrap import defined, limits, resample_counts
from overread.stats.calibration.brier import isotonic_fit
from overread.stats.calibration.inputs import binary, clipped_logit
from overread.stats.calibration.loess import loess
from overread.stats.calibration.slope_intercept import cox_line
from overread.stats.interval import Interval

Smoother = Literal["loess", "cox", "isotonic"]
Rows = slice | NDArray[np.int64]
FINE, COARSE = 0.001, 0.01  # distance of local fits, of the data and of resamples, as a share of the range


@dataclass(frozen=True)
class CalibrationIndex:
    """Absolute distances of the smooth curve from the diagonal over the cases: mean, median, 90%, largest."""

    ici: Interval
    e50: Interval
    e90: Interval
    e_max: Interval
    smoother: str


@dataclass(frozen=True)
class CalibrationCurve:
    """Smoothed observed frequency (m,) at probabilities (m,), with pointwise limits (m,)."""

    p: Floats
    observed: Floats
    low: Floats
    high: Floats
    confidence: float
    method: str


def ici(
    y: ArrayLike,
    p: ArrayLike,
    *,
    smoother: Smoother = "loess",
    span: float = 0.5,
    degree: Literal[1, 2] = 1,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> CalibrationIndex:
    """Integrated calibration index with E50, E90 and Emax (Austin and Steyerberg, Stat Med 2019;38:4051).

    The mean, median, 90th percentile and maximum over the cases of |smoothed frequency - p|.

    ``loess``: local regression of ``y`` on ``p`` (Cleveland, J Am Stat Assoc 1979;74:829) over the nearest
    ``span`` of the cases, of ``degree`` 1 (as LOWESS without robustness; R's ``loess`` has span 0.75 and
    degree 2, and agrees with ``surface="direct"``; its default interpolates and differs in the third digit).
    ``cox``: the logistic recalibration line. ``isotonic``: the isotonic regression.

    Distances are biased upwards as ``ece`` is: limits are of the basic bootstrap, cut at 0 and 1.

    Raises ValueError for one class only, a span outside 0 to 1, and with ``cox`` as
    ``calibration_slope_intercept`` does.
    """
    check_confidence(confidence)
    labels, probability = binary(y, p, both=True)
    n = len(labels)
    codes = as_groups(cluster, n)
    units = unit_count(codes, n)

    def values(rows: Rows, delta: float) -> Floats:
        part = probability[rows]
        distance = np.abs(_smoothed(labels[rows], part, part, smoother, span, degree, delta) - part)
        return np.array([distance.mean(), *np.quantile(distance, [0.5, 0.9]), distance.max()])

    estimates = values(slice(None), FINE)
    replicates = _replicates(values, labels, codes, units, resamples, seed)
    found = []
    for estimate, column in zip(estimates, replicates.T, strict=True):
        e = limits(float(estimate), defined(column), method="basic", confidence=confidence, n=units)
        low, high = (min(1.0, max(0.0, v)) for v in (e.low, e.high))
        found.append(Interval(e.estimate, low, high, confidence, f"{smoother}, {e.method}", units))
    mean, median, ninety, largest = found
    return CalibrationIndex(mean, median, ninety, largest, smoother)


def calibration_curve(
    y: ArrayLike,
    p: ArrayLike,
    *,
    at: ArrayLike | None = None,
    smoother: Smoother = "loess",
    span: float = 0.5,
    degree: Literal[1, 2] = 1,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> CalibrationCurve:
    """Smoothed observed frequency at probabilities ``at`` (m,) with pointwise percentile bootstrap limits.

    ``at`` None is 101 points from the smallest to the largest probability; outside that range nothing is
    known and the curve is held constant. Smoothers as for ``ici``, cut to 0 and 1.
    """
    check_confidence(confidence)
    labels, probability = binary(y, p, both=True)
    grid = (
        np.linspace(probability.min(), probability.max(), 101) if at is None else as_probabilities(at, "at")
    )
    codes = as_groups(cluster, len(labels))
    units = unit_count(codes, len(labels))

    def values(rows: Rows, delta: float) -> Floats:
        curve = _smoothed(labels[rows], probability[rows], grid, smoother, span, degree, delta)
        return np.clip(curve, 0, 1)

    replicates = _replicates(values, labels, codes, units, resamples, seed)
    defined(replicates[:, 0])
    low, high = np.nanquantile(replicates, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0)
    name = f"{smoother}, bootstrap, percentile, pointwise"
    return CalibrationCurve(grid, values(slice(None), FINE), low, high, confidence, name)


def _smoothed(
    labels: Bools, p: Floats, at: Floats, smoother: Smoother, span: float, degree: int, delta: float
) -> Floats:
    if smoother == "loess":
        return loess(p, labels.astype(np.float64), at, span=span, degree=degree, delta=delta)
    if smoother == "cox":
        line = cox_line(labels, clipped_logit(p))[0]
        fitted: Floats = expit(line[0] + line[1] * clipped_logit(at))
        return fitted
    if smoother == "isotonic":
        order = np.argsort(p, kind="stable")
        return np.interp(at, p[order], isotonic_fit(labels, p)[order])
    raise ValueError(f"smoother is {smoother!r}, expected 'loess', 'cox' or 'isotonic'")


def _replicates(
    values: Callable[[Rows, float], Floats],
    labels: Bools,
    codes: Ints | None,
    units: int,
    resamples: int,
    seed: int,
) -> Floats:
    """Values (resamples, m) of resampled cases; NaN where a resample lost a class or separates them."""
    everything = np.arange(len(labels))
    out: list[Floats | None] = []
    for block in resample_counts(units, resamples, seed, rows_of_data=len(labels)):
        for counts in block if codes is None else block[:, codes]:
            rows = np.repeat(everything, counts.astype(np.int64))
            if labels[rows].all() or not labels[rows].any():
                out.append(None)
                continue
            try:
                out.append(values(rows, COARSE))
            except ValueError:
                out.append(None)
    width = next((len(row) for row in out if row is not None), 1)
    return np.array([np.full(width, np.nan) if row is None else row for row in out])
