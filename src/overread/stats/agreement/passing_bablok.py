"""Passing-Bablok regression: a line between two measurements that no outlier moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import kendalltau

from overread.stats.agreement.line import Line
from overread.stats.arrays import as_floats, check_confidence, same_length
from overread.stats.interval import Interval


def passing_bablok(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> Line:
    """second = intercept + slope * first by the shifted median of all slopes between two cases.

    Passing and Bablok, J Clin Chem Clin Biochem 1983;21:709: no distribution supposed, both measurements with errors
    whose spreads relate as the slope does. Limits from the ranks of the slopes; those of the intercept are the medians
    of second - slope * first at them. The method supposes that both rise together.

    Raises ValueError for NaN, fewer than four cases, measurements that do not rise together, or so few cases that no
    limits of this confidence exist.
    """
    check_confidence(confidence)
    x, y = as_floats(first, "first"), as_floats(second, "second")
    same_length(len(x), y, "second")
    n = len(x)
    if n < 4:
        raise ValueError(f"{n} cases, expected four or more")
    if not float(kendalltau(x, y).statistic) > 0:
        raise ValueError("first and second do not rise together; Passing-Bablok has no line for them")
    i, j = np.triu_indices(n, 1)
    dx, dy = x[j] - x[i], y[j] - y[i]
    kept = (dx != 0) | (dy != 0)
    dx, dy = dx[kept], dy[kept]
    slopes = np.where(dx != 0, dy / np.where(dx != 0, dx, 1.0), np.sign(dy) * np.inf)
    # Slopes of -1 exactly are left out: seen from the other measurement they would count twice (1983, section 2).
    slopes = np.sort(slopes[slopes != -1])
    count, shift = len(slopes), int(np.count_nonzero(slopes < -1))
    spread = float(ndtri(0.5 + confidence / 2)) * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    lower = round((count - spread) / 2)
    upper = count - lower + 1
    if lower < 1 or upper + shift > count:
        raise ValueError(f"{n} cases are too few for limits of {confidence:.0%} confidence")
    middle = shift + (count + 1) / 2
    estimate = float((slopes[int(np.floor(middle)) - 1] + slopes[int(np.ceil(middle)) - 1]) / 2)
    low, high = float(slopes[lower + shift - 1]), float(slopes[upper + shift - 1])
    slope = Interval(estimate, low, high, confidence, "Passing-Bablok, ranks", n)

    def offset(b: float) -> float:
        return float(np.median(y - b * x))

    ends = sorted((offset(low), offset(high)))
    intercept = Interval(offset(estimate), ends[0], ends[1], confidence, "Passing-Bablok, ranks", n)
    return Line(slope, intercept, "Passing-Bablok")
