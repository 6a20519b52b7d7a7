"""Bootstrap intervals of any statistic: of resampled rows, or of weights for many resamples at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.arrays import (
    Floats,
    Ints,
    as_count,
    as_groups,
    check_confidence,
    group_count,
    same_length,
)
from overread.stats.bootstrap import (
    centred_jackknife,
    defined,
    jackknife_groups,
    limits,
    resample_counts,
    weighted_jackknife,
    weighted_replicates,
)
from overread.stats.interval import Interval

BootstrapMethod = Literal["bca", "percentile"]


def bootstrap_ci(
    statistic: Callable[..., float],
    data: ArrayLike | tuple[ArrayLike, ...],
    *,
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    method: BootstrapMethod = "bca",
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
        An array with n rows, or a tuple of such arrays (not of numbers) that are resampled together.
    cluster
        (n,), for example the patient of each image: whole clusters are drawn.
    strata
        (n,), for example the class: each stratum keeps its number of units. A cluster lies in one stratum.
    method
        ``bca``: bias-corrected and accelerated, with a jackknife over the units (in 1,000 groups of units
        where there are more). ``percentile``: quantiles of the replicates.

    The statistic is called once per resample; one that takes weights is far faster with
    ``bootstrap_weighted_ci``.

    Raises ValueError for no row, a single unit, a cluster in two strata, or a statistic that is not finite
    on the data or on a resample (give ``strata`` where a resample can lose a class).
    """
    check_confidence(confidence)
    together = isinstance(data, tuple) and any(np.ndim(a) > 0 for a in data)
    arrays = [np.asarray(a) for a in (data if together else (data,))]  # type: ignore[union-attr]
    n = len(arrays[0]) if arrays and arrays[0].ndim else 0
    if n == 0:
        raise ValueError("data is empty (n = 0)")
    for array in arrays:
        same_length(n, array, "data")
    codes, units, unit_strata = _units(n, cluster, strata)
    everything = np.arange(n)

    def value(rows: NDArray[np.int64]) -> float:
        return float(statistic(*(array[rows] for array in arrays)))

    estimate = value(everything)
    counts = (row for block in resample_counts(units, resamples, seed, strata=unit_strata) for row in block)
    replicates = np.array([value(np.repeat(everything, row[codes].astype(np.int64))) for row in counts])
    _finite(estimate, replicates)
    jackknife: Floats | None = None
    if method == "bca":
        groups, group_strata = jackknife_groups(units, strata=unit_strata, seed=seed)
        left_out = groups[codes]
        values = [value(everything[left_out != g]) for g in range(len(group_strata))]
        jackknife = centred_jackknife(np.array(values), group_strata)
    return limits(estimate, replicates, method=method, confidence=confidence, n=units, jackknife=jackknife)


def bootstrap_weighted_ci(
    statistic: Callable[[Floats], Floats],
    n: int,
    *,
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    method: BootstrapMethod = "bca",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    undefined: Literal["raise", "drop"] = "raise",
) -> Interval:
    """Bootstrap interval of a statistic of weighted rows, many resamples at once.

    Parameters
    ----------
    statistic
        Takes weights (b, n), one row per resample and how often each of the ``n`` rows was drawn, and returns
        (b,) numbers. The mean of ``x`` (n,), for example: ``lambda w: w @ x / w.sum(axis=1)``.
    cluster, strata, method
        As in ``bootstrap_ci``.
    undefined
        What to do with resamples that give NaN, as where a class is lost: ``raise`` an error, or ``drop``
        them, if they are fewer than half.

    Raises ValueError as ``bootstrap_ci`` does.
    """
    check_confidence(confidence)
    rows = as_count(n, "n", least=1)
    codes, units, unit_strata = _units(rows, cluster, strata)
    estimate = float(np.asarray(statistic(np.ones((1, rows))))[0])
    replicates = weighted_replicates(statistic, codes, units, resamples, seed, strata=unit_strata)
    if undefined == "drop":
        replicates = defined(replicates)
    elif undefined != "raise":
        raise ValueError(f"undefined is {undefined!r}, expected 'raise' or 'drop'")
    _finite(estimate, replicates)
    jackknife = None
    if method == "bca":
        jackknife = weighted_jackknife(statistic, codes, units, seed=seed, strata=unit_strata)
    return limits(estimate, replicates, method=method, confidence=confidence, n=units, jackknife=jackknife)


def _units(n: int, cluster: ArrayLike | None, strata: ArrayLike | None) -> tuple[Ints, int, Ints | None]:
    codes = as_groups(cluster, n)
    row_strata = as_groups(strata, n, "strata")
    codes = np.arange(n) if codes is None else codes
    units = group_count(codes)
    if units < 2:
        raise ValueError("one unit (case or cluster) has no interval; expected two or more")
    if row_strata is None:
        return codes, units, None
    unit_strata: NDArray[Any] = np.zeros(units, dtype=np.int64)
    unit_strata[codes] = row_strata
    if (unit_strata[codes] != row_strata).any():
        raise ValueError("a cluster lies in two strata; every cluster must be in one")
    return codes, units, unit_strata


def _finite(estimate: float, replicates: Floats) -> None:
    lost = int(np.count_nonzero(~np.isfinite(replicates)))
    if not np.isfinite(estimate) or lost:
        raise ValueError(
            f"the statistic is not finite on the data or on {lost} of {len(replicates)} resamples; "
            "give strata if a resample can lose a class"
        )
