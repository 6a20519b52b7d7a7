"""Intervals of a proportion, of a mean and of any statistic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri

from overread.stats.arrays import Floats, as_floats, as_groups, check_confidence, same_length
from overread.stats.bootstrap import limits, resample_counts
from overread.stats.interval import Interval

__all__ = ["Interval", "bootstrap_ci", "mean_ci", "proportion_ci"]


def proportion_ci(
    successes: int, n: int, method: Literal["wilson", "exact"] = "wilson", confidence: float = 0.95
) -> Interval:
    """Interval of a binomial proportion.

    ``wilson``: score interval (Wilson, J Am Stat Assoc 1927;22:209), 95% on average for any n.
    ``exact``: Clopper and Pearson (Biometrika 1934;26:404), never below the nominal level.

    Raises ValueError for n = 0, counts that are not whole, or successes outside 0 to n.
    """
    check_confidence(confidence)
    if int(n) != n or int(successes) != successes:
        raise ValueError(f"successes = {successes} and n = {n}, expected whole numbers")
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"successes = {successes} of n = {n}, expected 0 <= successes <= n and n > 0")
    x, alpha = float(successes), 1 - confidence
    p = x / n
    if method == "wilson":
        z2 = ndtri(1 - alpha / 2) ** 2
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
        low, high = max(0.0, centre - half), min(1.0, centre + half)
    elif method == "exact":
        low = float(betaincinv(x, n - x + 1, alpha / 2)) if x > 0 else 0.0
        high = float(betaincinv(x + 1, n - x, 1 - alpha / 2)) if x < n else 1.0
    else:
        raise ValueError(f"method is {method!r}, expected 'wilson' or 'exact'")
    # At 0 and n the algebra gives the bound itself; rounding must not put the estimate outside.
    return Interval(p, min(float(low), p), max(float(high), p), confidence, _PROPORTION[method], int(n))


_PROPORTION = {"wilson": "Wilson", "exact": "Clopper-Pearson"}


def mean_ci(
    values: ArrayLike,
    cluster: ArrayLike | None = None,
    method: Literal["percentile", "bca"] = "bca",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Bootstrap interval of a mean, such as the mean Dice over cases.

    Parameters
    ----------
    values
        (n,), one value per case.
    cluster
        (n,), the patient of each case: whole patients are drawn, each with all their cases.
    bounds
        Limits that the values cannot leave. One single case then gives these bounds as its interval,
        which is all that one case can say; without bounds it is an error.

    Few cases give too narrow an interval: with ten, 95% nominal covers about 90%.

    Raises ValueError for no value, NaN, or a single unit without ``bounds``.
    """
    check_confidence(confidence)
    x = as_floats(values, "values")
    codes = as_groups(cluster, len(x))
    total, size = (x, np.ones_like(x)) if codes is None else (np.bincount(codes, x), np.bincount(codes) * 1.0)
    units, estimate = len(total), float(x.mean())
    name = "bootstrap of cases" if codes is None else "bootstrap of clusters"
    if units == 1:
        if bounds is None:
            raise ValueError("one case (or one cluster) has no interval; expected two or more")
        return Interval(estimate, *bounds, confidence, "one case: full range", 1)
    if np.ptp(x) == 0:
        return Interval(estimate, estimate, estimate, confidence, f"{name}, all values equal", units)
    replicates = np.concatenate([(c @ total) / (c @ size) for c in resample_counts(units, resamples, seed)])
    jackknife = (total.sum() - total) / (size.sum() - size)
    return limits(
        estimate, replicates, method=method, confidence=confidence, n=units, jackknife=jackknife, name=name
    )


def bootstrap_ci(
    statistic: Callable[..., float],
    data: ArrayLike | tuple[ArrayLike, ...],
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    method: Literal["percentile", "bca"] = "percentile",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Bootstrap interval of any statistic (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).

    Parameters
    ----------
    statistic
        Takes the resampled arrays of ``data``, one argument each, and returns a number.
    data
        An array with n rows, or a tuple of such arrays that are resampled together.
    cluster
        (n,), for example the patient of each image: whole clusters are drawn.
    strata
        (n,), for example the class: each stratum keeps its number of units. A cluster lies in one stratum.

    Raises ValueError for no row, a single unit, a cluster in two strata, or a statistic that is not finite
    on the data or on a resample (give ``strata`` where a resample can lose a class).
    """
    check_confidence(confidence)
    arrays = [np.asarray(a) for a in (data if isinstance(data, tuple) else (data,))]
    n = len(arrays[0]) if arrays and arrays[0].ndim else 0
    if n == 0:
        raise ValueError("data is empty (n = 0)")
    for array in arrays:
        same_length(n, array, "data")
    codes = as_groups(cluster, n)
    row_strata = as_groups(strata, n, "strata")
    codes = np.arange(n) if codes is None else codes
    units = int(codes.max()) + 1
    if units < 2:
        raise ValueError("one unit (case or cluster) has no interval; expected two or more")
    unit_strata = None
    if row_strata is not None:
        unit_strata = np.zeros(units, dtype=np.int64)
        unit_strata[codes] = row_strata
        if (unit_strata[codes] != row_strata).any():
            raise ValueError("a cluster lies in two strata; every cluster must be in one")

    def value(rows: NDArray[np.int64]) -> float:
        return float(statistic(*(array[rows] for array in arrays)))

    everything = np.arange(n)
    estimate = value(everything)
    counts = (row for block in resample_counts(units, resamples, seed, unit_strata) for row in block)
    replicates = np.array([value(np.repeat(everything, row[codes].astype(np.int64))) for row in counts])
    lost = int(np.count_nonzero(~np.isfinite(replicates)))
    if not np.isfinite(estimate) or lost:
        raise ValueError(
            f"the statistic is not finite on the data or on {lost} of {resamples} resamples; "
            "give strata if a resample can lose a class"
        )
    jackknife: Floats | None = None
    if method == "bca":
        jackknife = np.array([value(everything[codes != unit]) for unit in range(units)])
    return limits(estimate, replicates, method=method, confidence=confidence, n=units, jackknife=jackknife)
