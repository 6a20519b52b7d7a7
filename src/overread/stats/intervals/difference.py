"""Intervals of a difference of two proportions, independent or paired."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from overread.stats.arrays import as_counts, check_confidence
from overread.stats.interval import Interval
from overread.stats.intervals.proportion import binomial_counts, proportion_ci
from overread.stats.intervals.score import inverted, score_statistic, tango_statistic


def proportion_difference_ci(
    x1: float,
    n1: float,
    x2: float,
    n2: float,
    *,
    method: Literal["newcombe", "miettinen-nurminen", "mee", "agresti-caffo", "wald"] = "newcombe",
    confidence: float = 0.95,
) -> Interval:
    """Interval of x1 / n1 - x2 / n2, two independent samples.

    ``newcombe``: hybrid of the two Wilson intervals (Stat Med 1998;17:873, method 10).
    ``miettinen-nurminen``: inverted score test with the variance times N / (N - 1) (Stat Med 1985;4:213).
    ``mee``: the same without that factor (Mee, Biometrics 1984;40:1175), the dual of Farrington and Manning's
    test. ``agresti-caffo``: Wald with one success and one failure added to each sample (Am Stat 2000;54:280).
    ``wald``: the difference -+ z times its unpooled error; only to compare with older reports.

    Raises ValueError for impossible counts, as ``proportion_ci`` does.
    """
    x1, n1 = binomial_counts(x1, n1)
    x2, n2 = binomial_counts(x2, n2)
    first = proportion_ci(x1, n1, method="wilson", confidence=confidence)
    second = proportion_ci(x2, n2, method="wilson", confidence=confidence)
    estimate, n = first.estimate - second.estimate, n1 + n2
    if method == "newcombe":
        low = estimate - float(np.hypot(first.estimate - first.low, second.high - second.estimate))
        high = estimate + float(np.hypot(first.high - first.estimate, second.estimate - second.low))
        return Interval(estimate, max(-1.0, low), min(1.0, high), confidence, "Newcombe", n)
    z = float(ndtri(0.5 + confidence / 2))
    if method in ("agresti-caffo", "wald"):
        added = 1 if method == "agresti-caffo" else 0
        m1, m2 = n1 + 2 * added, n2 + 2 * added
        p1, p2 = (x1 + added) / m1, (x2 + added) / m2
        half = z * float(np.sqrt(p1 * (1 - p1) / m1 + p2 * (1 - p2) / m2))
        low, high = max(-1.0, p1 - p2 - half), min(1.0, p1 - p2 + half)
        name = "Agresti-Caffo" if added else "Wald"
        return Interval(estimate, low, high, confidence, name, n)
    if method not in ("miettinen-nurminen", "mee"):
        raise ValueError(
            f"method is {method!r}, expected 'newcombe', 'miettinen-nurminen', 'mee', 'agresti-caffo' or 'wald'"
        )
    corrected = method == "miettinen-nurminen"
    low, high = inverted(lambda d: score_statistic(x1, n1, x2, n2, d, correction=corrected), estimate, z)
    name = "Miettinen-Nurminen" if corrected else "Mee"
    return Interval(estimate, low, high, confidence, name, n)


def paired_difference_ci(
    table: ArrayLike, *, method: Literal["tango", "newcombe", "wald"] = "tango", confidence: float = 0.95
) -> Interval:
    """Interval of the difference of two proportions in the same cases, (b - c) / n.

    ``table`` [[a, b], [c, d]] counts cases: rows are the first test (positive, negative), columns the second;
    b is positive by the first only, c by the second only.

    ``tango``: score interval (Stat Med 1998;17:891). ``newcombe``: hybrid of the two Wilson intervals with
    their correlation (Stat Med 1998;17:2635, method 10). ``wald``: the difference -+ z times its error, as in
    many textbooks; only to compare with older reports.

    Raises ValueError for counts that are negative or not whole, or a table that is not 2 by 2.
    """
    check_confidence(confidence)
    a, b, c, d = paired_counts(table)
    n = a + b + c + d
    estimate = (b - c) / n
    if method == "tango":
        z = float(ndtri(0.5 + confidence / 2))
        low, high = inverted(lambda delta: tango_statistic(b, c, n, delta), estimate, z)
        return Interval(estimate, low, high, confidence, "Tango", n)
    if method == "wald":
        half_width = float(ndtri(0.5 + confidence / 2) * np.sqrt(b + c - (b - c) ** 2 / n)) / n
        low, high = max(-1.0, estimate - half_width), min(1.0, estimate + half_width)
        return Interval(estimate, low, high, confidence, "Wald, paired", n)
    if method != "newcombe":
        raise ValueError(f"method is {method!r}, expected 'tango', 'newcombe' or 'wald'")
    first = proportion_ci(a + b, n, method="wilson", confidence=confidence)
    second = proportion_ci(a + c, n, method="wilson", confidence=confidence)
    margins = float(a + b) * (c + d) * (a + c) * (b + d)
    product = float(a) * d - float(b) * c
    # The continuity correction of the correlation is Newcombe's own.
    phi = 0.0 if margins == 0 else (max(product - n / 2, 0.0) if product > 0 else product) / np.sqrt(margins)

    def half(left: float, right: float) -> float:
        return float(np.sqrt(max(0.0, left**2 - 2 * phi * left * right + right**2)))

    low = estimate - half(first.estimate - first.low, second.high - second.estimate)
    high = estimate + half(first.high - first.estimate, second.estimate - second.low)
    return Interval(estimate, max(-1.0, low), min(1.0, high), confidence, "Newcombe, paired", n)


def paired_counts(table: ArrayLike) -> tuple[int, int, int, int]:
    """The four counts of a 2x2 table, checked."""
    counts = as_counts(table)
    if counts.shape != (2, 2):
        raise ValueError(f"table has shape {counts.shape}, expected (2, 2): [[a, b], [c, d]]")
    a, b, c, d = (int(v) for v in counts.ravel())
    return a, b, c, d
