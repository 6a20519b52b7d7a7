"""Risk ratio and odds ratio of two groups, with limits that hold for counts of 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtri

from overread.stats.arrays import check_confidence
from overread.stats.contingency.two_by_two import two_groups
from overread.stats.interval import Interval

RiskRatioMethod = Literal["koopman", "katz"]
OddsRatioMethod = Literal["conditional", "woolf", "cornfield"]


def risk_ratio(
    table: ArrayLike, *, method: RiskRatioMethod = "koopman", confidence: float = 0.95
) -> Interval:
    """Risk of the first group over that of the second, of [[a, b], [c, d]]: groups by event, no event.

    ``koopman``: score limits (Koopman, Biometrics 1984;40:513), sound for counts of 0. ``katz``: normal limits of the
    logarithm (Katz et al., Biometrics 1978;34:469), which do not exist where either group has no event.

    Raises ValueError for counts that are negative or not whole, another shape, a group without a case, no event in
    both groups, or an unknown method.
    """
    check_confidence(confidence)
    a, b, c, d = two_groups(table)
    m, n = a + b, c + d
    if a + c == 0:
        raise ValueError("no case of either group has the event; their risk ratio does not exist")
    estimate = (a / m) / (c / n) if c else np.inf
    z = float(ndtri(0.5 + confidence / 2))
    if method == "katz":
        if not a or not c:
            raise ValueError("a group has no event: method 'katz' has no limits; use 'koopman'")
        half = z * np.sqrt(1 / a - 1 / m + 1 / c - 1 / n)
        low, high = estimate * np.exp(-half), estimate * np.exp(half)
        return Interval(float(estimate), float(low), float(high), confidence, "Katz, log", m + n)
    if method != "koopman":
        raise ValueError(f"method is {method!r}, expected 'koopman' or 'katz'")

    def excess(ratio: float) -> float:
        return _koopman(a, c, m, n, ratio) - z * z

    centre = _inside(estimate)
    low = _root(excess, centre, down=True) if a else 0.0
    high = _root(excess, centre, down=False) if c else np.inf
    return Interval(float(estimate), low, high, confidence, "Koopman, score", m + n)


def odds_ratio(
    table: ArrayLike, *, method: OddsRatioMethod = "conditional", confidence: float = 0.95
) -> Interval:
    """Odds of the event in the first group over those in the second, of [[a, b], [c, d]].

    ``conditional``: maximum of the likelihood given the margins, and its exact limits (Cornfield, Proc Third Berkeley
    Symp 1956;4:135; SciPy). ``cornfield``: ad / bc with score limits without continuity correction (Cornfield 1956;
    Miettinen and Nurminen, Stat Med 1985;4:213). ``woolf``: ad / bc with normal limits of its logarithm (Woolf, Ann Hum
    Genet 1955;19:251), which do not exist where a count is 0.

    Raises ValueError for counts that are negative or not whole, another shape, a group without a case, a table in
    which no case (or every case) has the event, or an unknown method.
    """
    from scipy.stats.contingency import odds_ratio as conditional

    check_confidence(confidence)
    a, b, c, d = two_groups(table)
    n = a + b + c + d
    if a + c == 0 or b + d == 0:
        raise ValueError("no case, or every case, has the event; the odds ratio does not exist")
    if method == "conditional":
        found = conditional([[a, b], [c, d]], kind="conditional")
        limits = found.confidence_interval(confidence_level=confidence)
        name = "conditional, exact"
        return Interval(float(found.statistic), float(limits.low), float(limits.high), confidence, name, n)
    estimate = a * d / (b * c) if b * c else np.inf
    z = float(ndtri(0.5 + confidence / 2))
    if method == "woolf":
        if not a * b * c * d:
            raise ValueError("a count is 0: method 'woolf' has no limits; use 'conditional' or 'cornfield'")
        half = z * np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
        low, high = float(estimate * np.exp(-half)), float(estimate * np.exp(half))
        return Interval(float(estimate), low, high, confidence, "Woolf, log", n)
    if method != "cornfield":
        raise ValueError(f"method is {method!r}, expected 'conditional', 'cornfield' or 'woolf'")

    def excess(ratio: float) -> float:
        return _cornfield(a, b, c, d, ratio) - z * z

    centre = _inside(estimate)
    low = _root(excess, centre, down=True) if a * d else 0.0
    high = _root(excess, centre, down=False) if b * c else np.inf
    return Interval(float(estimate), low, high, confidence, "Cornfield, score", n)


def _koopman(a: int, c: int, m: int, n: int, ratio: float) -> float:
    """Chi-square of risk ratio ``ratio``: the risks most likely under it solve a quadratic (Koopman 1984)."""
    total = m + n
    first = ratio * (m + c) + a + n
    p1 = (first - np.sqrt(max(0.0, first**2 - 4 * ratio * total * (a + c)))) / (2 * total)
    p1 = min(p1, 1.0, ratio)
    return _squared(a, m, p1) + _squared(c, n, p1 / ratio)


def _squared(count: int, of: int, p: float) -> float:
    """The squared score of ``count`` in ``of`` at risk ``p``; a risk of 0 or 1 allows one count only."""
    off = (count - of * p) ** 2
    variance = of * p * (1 - p)
    if variance <= 0:
        return 0.0 if off < 1e-12 * of else np.inf
    return float(off / variance)


def _cornfield(a: int, b: int, c: int, d: int, ratio: float) -> float:
    """Chi-square of odds ratio ``ratio``: (a - A)^2 times the sum of the inverse expected counts."""
    m, events, total = a + b, a + c, a + b + c + d
    p, q, r = ratio - 1, -(total + (m + events) * (ratio - 1)), ratio * m * events
    # The root within the margins, written so that it holds at ratio 1, too.
    expected = 2 * r / (-q + np.sqrt(max(0.0, q * q - 4 * p * r)))
    counts = np.array([expected, m - expected, events - expected, total - m - events + expected])
    if counts.min() <= 0:
        return np.inf
    return float((a - expected) ** 2 * np.sum(1 / counts))


def _inside(estimate: float) -> float:
    return float(np.clip(estimate, 1e-8, 1e8))


def _root(excess: Callable[[float], float], centre: float, *, down: bool) -> float:
    """Where ``excess`` of a ratio, on the log scale, changes sign on one side of ``centre``."""

    def at(log: float) -> float:
        return min(excess(float(np.exp(log))), 1e12)

    start = float(np.log(centre))
    end = start
    for _ in range(60):
        end += -1.0 if down else 1.0
        if at(end) > 0:
            break
    else:
        return 0.0 if down else np.inf
    begin = end + (1.0 if down else -1.0)
    return float(np.exp(brentq(at, min(begin, end), max(begin, end), xtol=1e-13)))
