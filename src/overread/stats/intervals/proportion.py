"""Intervals of one proportion, of independent cases or of cases in clusters."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri, stdtrit

from overread.stats.arrays import as_binary, as_groups, check_confidence
from overread.stats.interval import Interval

ProportionMethod = Literal["wilson", "wilson-corrected", "exact", "jeffreys", "agresti-coull", "wald"]
NAMES = {
    "wilson": "Wilson",
    "wilson-corrected": "Wilson, continuity correction",
    "exact": "Clopper-Pearson",
    "jeffreys": "Jeffreys",
    "agresti-coull": "Agresti-Coull",
    "wald": "Wald",
}


def proportion_ci(
    successes: float, n: float, *, method: ProportionMethod = "wilson", confidence: float = 0.95
) -> Interval:
    """Interval of a binomial proportion.

    ``wilson``: score interval (Wilson, J Am Stat Assoc 1927;22:209), 95% on average for any n.
    ``exact``: Clopper and Pearson (Biometrika 1934;26:404), never below the nominal level.
    ``jeffreys``: quantiles of Beta(x + 1/2, n - x + 1/2), with 0 as the lower limit at x = 0 and 1 as the
    upper at x = n; the other limit stays the quantile of alpha / 2 (Brown, Cai and DasGupta, Stat Sci
    2001;16:101). The estimate is x / n, not the posterior mean.
    ``agresti-coull``: Wald about Wilson's centre (Am Stat 1998;52:119), cut to 0 and 1.
    ``wilson-corrected``: Wilson's with the continuity correction (Newcombe, Stat Med 1998;17:857, method 4), as
    ``prop.test`` of R gives it save at x = n / 2, where that makes none. ``wald``: p -+ z sqrt(p (1 - p) / n), cut to
    0 and 1; it covers too little, and has no width at 0 and n: only to compare with older reports.

    Raises ValueError for n = 0, counts that are not whole, or successes outside 0 to n.
    """
    check_confidence(confidence)
    x, total = binomial_counts(successes, n)
    low, high = binomial_limits(x, total, method, confidence)
    return Interval(x / total, low, high, confidence, NAMES[method], total)


def binomial_counts(successes: float, n: float) -> tuple[int, int]:
    """The two counts as plain integers, which cannot overflow as small NumPy ones do."""
    for value in (successes, n):
        number = np.asarray(value)
        if number.ndim or number.dtype.kind not in "biuf" or not np.isfinite(number) or int(value) != value:
            raise ValueError(f"successes = {successes} and n = {n}, expected whole numbers")
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"successes = {successes} of n = {n}, expected 0 <= successes <= n and n > 0")
    return int(successes), int(n)


def rate_ci(
    y: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    method: ProportionMethod = "wilson",
    confidence: float = 0.95,
) -> Interval:
    """Interval of the share of 1 among rows ``y`` (n,) of 0 and 1.

    Without ``cluster`` it is ``proportion_ci``. With ``cluster`` (n,), such as the patient of each image, the
    rows count as the effective number of independent cases (Korn and Graubard, Surv Methodol 1998;24:193):
    the binomial variance over that between clusters, with Student's t of clusters - 1 degrees of freedom,
    never more than n. Where all rows agree, each cluster is one case. From 20 clusters on, 95% covers 93 to
    97% of shares from 0.1 to 0.9 (92% at 0.9 where rows of a cluster are nearly all alike); a share of 0.95 needs
    more than 50 clusters, with which 95% covers 91 to 95%. One cluster alone gives 0 to 1.

    Raises ValueError for no row, NaN or labels other than 0 and 1.
    """
    check_confidence(confidence)
    labels = as_binary(y, both=False)
    codes = as_groups(cluster, len(labels))
    ones, n = int(labels.sum()), len(labels)
    if codes is None:
        return proportion_ci(ones, n, method=method, confidence=confidence)
    sizes = np.bincount(codes)
    units = len(sizes)
    if units == n:
        return proportion_ci(ones, n, method=method, confidence=confidence)
    if units == 1:
        return Interval(ones / n, 0.0, 1.0, confidence, "one cluster: full range", 1)
    if ones in (0, n):
        return proportion_ci(units if ones else 0, units, method=method, confidence=confidence)
    p = ones / n
    size = effective_size(p, np.bincount(codes, labels) - p * sizes, n, confidence)
    low, high = binomial_limits(p * size, size, method, confidence)
    return Interval(p, low, high, confidence, f"{NAMES[method]}, Korn-Graubard for clusters", units)


def effective_size(p: float, residuals: ArrayLike, n: float, confidence: float) -> float:
    """Independent cases that a share ``p`` of ``n`` clustered rows is worth, at most ``n``.

    ``residuals`` (clusters,): successes less p times rows of each cluster.
    """
    r = np.asarray(residuals, dtype=np.float64)
    units = len(r)
    variance = float(units / (units - 1) * np.sum(r**2) / n**2)
    if variance <= 0:
        return float(n)
    student = float(ndtri(0.5 + confidence / 2) / stdtrit(units - 1, 0.5 + confidence / 2))
    return min(float(n), p * (1 - p) / variance * student**2)


def binomial_limits(x: float, n: float, method: str, confidence: float) -> tuple[float, float]:
    """Limits for ``x`` of ``n``, which need not be whole, so that effective counts can be given."""
    p, alpha = x / n, 1 - confidence
    z2 = float(ndtri(1 - alpha / 2)) ** 2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    if method == "wilson":
        half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
        low, high = centre - half, centre + half
    elif method == "exact":
        low = betaincinv(x, n - x + 1, alpha / 2) if x > 0 else 0.0
        high = betaincinv(x + 1, n - x, 1 - alpha / 2) if x < n else 1.0
    elif method == "jeffreys":
        low = betaincinv(x + 0.5, n - x + 0.5, alpha / 2) if x > 0 else 0.0
        high = betaincinv(x + 0.5, n - x + 0.5, 1 - alpha / 2) if x < n else 1.0
    elif method == "agresti-coull":
        half = np.sqrt(z2 * centre * (1 - centre) / (n + z2))
        low, high = centre - half, centre + half
    elif method == "wilson-corrected":
        low, high = _corrected(x, n, z2), 1 - _corrected(n - x, n, z2)
    elif method == "wald":
        half = np.sqrt(z2 * p * (1 - p) / n)
        low, high = p - half, p + half
    else:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(map(repr, NAMES))}")
    # At 0 and n the algebra gives the bound itself; rounding must not put the estimate outside.
    return min(max(0.0, float(low)), p), max(min(1.0, float(high)), p)


def _corrected(x: float, n: float, z2: float) -> float:
    """Lower limit of Wilson's interval with the continuity correction."""
    if x <= 0:
        return 0.0
    p = x / n
    root = z2 * (z2 - 2 - 1 / n + 4 * p * (n * (1 - p) + 1))
    return float((2 * n * p + z2 - 1 - np.sqrt(max(0.0, root))) / (2 * (n + z2)))
