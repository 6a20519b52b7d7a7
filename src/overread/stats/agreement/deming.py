"""Deming regression: a line between two measurements that both have errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from overread.stats.agreement.line import Line
from overread.stats.arrays import Floats, as_floats, check_confidence, same_length
from overread.stats.interval import Interval


def deming_regression(
    first: ArrayLike, second: ArrayLike, *, variance_ratio: float = 1.0, confidence: float = 0.95
) -> Line:
    """second = intercept + slope * first, where both have errors of constant spread.

    Deming, Statistical Adjustment of Data, 1943; Cornbleet and Gochman, Clin Chem 1979;25:432. ``variance_ratio``:
    error variance of ``first`` over that of ``second`` (1: orthogonal regression). Limits by the jackknife with
    Student's t of n - 2 degrees of freedom (Linnet, Clin Chem 1993;39:424).

    Raises ValueError for NaN, fewer than four cases, a ratio that is not above 0, or measurements without a linear
    relation.
    """
    check_confidence(confidence)
    x, y = as_floats(first, "first"), as_floats(second, "second")
    same_length(len(x), y, "second")
    n = len(x)
    if n < 4:
        raise ValueError(f"{n} cases, expected four or more")
    if not 0 < variance_ratio < np.inf:
        raise ValueError(f"variance_ratio is {variance_ratio}, expected a number above 0")
    if np.ptp(x) == 0:
        raise ValueError("first is constant; there is no line")
    slope, intercept = _line(x, y, variance_ratio)
    others = [_line(np.delete(x, i), np.delete(y, i), variance_ratio) for i in range(n)]
    t = float(stdtrit(n - 2, 0.5 + confidence / 2))

    def interval(estimate: float, left_out: Floats) -> Interval:
        pseudo = n * estimate - (n - 1) * left_out
        half = t * float(pseudo.std(ddof=1) / np.sqrt(n))
        return Interval(estimate, estimate - half, estimate + half, confidence, "jackknife, Linnet", n)

    slopes, intercepts = np.array(others).T
    return Line(interval(slope, slopes), interval(intercept, intercepts), "Deming")


def _line(x: Floats, y: Floats, ratio: float) -> tuple[float, float]:
    u, v = x - x.mean(), y - y.mean()
    xx, yy, xy = float(u @ u), float(v @ v), float(u @ v)
    if abs(xy) < 1e-12 * np.sqrt(xx * yy) or yy == 0:
        raise ValueError("first and second have no linear relation; there is no line")
    difference = ratio * yy - xx
    slope = (difference + np.sqrt(difference**2 + 4 * ratio * xy**2)) / (2 * ratio * xy)
    return float(slope), float(y.mean() - slope * x.mean())
