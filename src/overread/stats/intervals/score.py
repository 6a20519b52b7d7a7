"""Score statistics of a difference of proportions: the variance is that under the difference tested."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

EDGE = 1e-12


def restricted_proportions(
    x1: float, n1: float, x2: float, n2: float, difference: float
) -> tuple[float, float]:
    """Most likely p1 and p2 with p1 - p2 = ``difference`` (Farrington and Manning, Stat Med 1990;9:1447)."""
    p1, p2, ratio, d = x1 / n1, x2 / n2, n2 / n1, difference
    a = 1 + ratio
    b = -(1 + ratio + p1 + ratio * p2 + d * (ratio + 2))
    c = d * d + d * (2 * p1 + ratio + 1) + p1 + ratio * p2
    e = -p1 * d * (1 + d)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a * a) + e / (2 * a)
    u = np.copysign(np.sqrt(max(0.0, (b / (3 * a)) ** 2 - c / (3 * a))), v)
    cosine = np.clip(v / u**3, -1, 1) if abs(u) > 1e-100 else 0.0
    first = 2 * u * np.cos((np.pi + np.arccos(cosine)) / 3) - b / (3 * a)
    first = float(np.clip(first, max(0.0, d), min(1.0, 1 + d)))
    return first, float(np.clip(first - d, 0.0, 1.0))


def score_statistic(
    x1: float, n1: float, x2: float, n2: float, difference: float, correction: bool = True
) -> float:
    """z of p1 - p2 against ``difference``, independent samples.

    ``correction`` multiplies the variance by N / (N - 1): Miettinen and Nurminen (Stat Med 1985;4:213). Without
    it: Farrington and Manning, whose inversion is Mee's interval.
    """
    p1, p2 = restricted_proportions(x1, n1, x2, n2, difference)
    n = n1 + n2
    variance = p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
    if correction:
        variance *= n / (n - 1)
    return _ratio(x1 / n1 - x2 / n2 - difference, variance)


def tango_statistic(b: float, c: float, n: float, difference: float) -> float:
    """z of (b - c) / n against ``difference``, paired samples (Tango, Stat Med 1998;17:891)."""
    quadratic = -b - c + (2 * n - b + c) * difference
    root = quadratic**2 + 8 * n * c * difference * (1 - difference)
    only_second = (np.sqrt(max(0.0, root)) - quadratic) / (4 * n)
    variance = n * (2 * only_second + difference * (1 - difference))
    return _ratio(b - c - n * difference, variance)


def inverted(statistic: Callable[[float], float], estimate: float, z: float) -> tuple[float, float]:
    """The differences at which ``statistic``, which falls with the difference, is z and -z."""

    def solve(target: float, start: float, end: float) -> float:
        if end <= start or (statistic(start) - target) * (statistic(end) - target) > 0:
            return start if target > 0 else end
        return float(brentq(lambda d: statistic(d) - target, start, end, xtol=1e-14, rtol=1e-14))

    low = solve(z, -1 + EDGE, estimate) if estimate > -1 + EDGE else -1.0
    high = solve(-z, estimate, 1 - EDGE) if estimate < 1 - EDGE else 1.0
    snap = 2 * EDGE
    return (-1.0 if low < -1 + snap else low), (1.0 if high > 1 - snap else high)


def _ratio(excess: float, variance: float) -> float:
    if abs(excess) < 1e-15:
        return 0.0
    if variance <= 0:
        return float(np.copysign(1e8, excess))
    return float(excess / np.sqrt(variance))
