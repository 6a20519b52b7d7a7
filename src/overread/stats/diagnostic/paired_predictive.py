"""Do two tests of the same cases differ in their predictive values?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtri

from overread.stats.arrays import Bools, Floats, Ints, as_binary, as_groups, check_confidence, same_length
from overread.stats.interval import Interval


@dataclass(frozen=True)
class PredictiveComparison:
    """Predictive values of two tests, their difference (first minus second) and the test that it is 0."""

    first: Interval
    second: Interval
    difference: Interval
    statistic: float
    p_value: float
    method: str


def compare_predictive_values(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    value: Literal["ppv", "npv"] = "ppv",
    method: Literal["weighted", "score"] = "weighted",
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> PredictiveComparison:
    """Compare predictive values of two tests, ``first`` and ``second`` (n,), of the same cases ``truth`` (n,).

    ``weighted``: the weighted generalised score statistic (Kosinski, Stat Med 2013;32:964), for independent cases.
    ``score``: the generalised score statistic (Leisenring, Alonzo and Pepe, Biometrics 2000;56:345), for cases in
    clusters, too. Both are chi-square of one degree of freedom. Limits are normal, with the variance of the influence
    of each case, or of each ``cluster`` (n,).

    Raises ValueError for NaN, wrong shapes, or a test that calls no case so.
    """
    check_confidence(confidence)
    y = as_binary(truth, "truth", both=False)
    one, two = as_binary(first, "first", both=False), as_binary(second, "second", both=False)
    same_length(len(y), one, "first")
    same_length(len(y), two, "second")
    codes = as_groups(cluster, len(y))
    if value == "npv":
        y, one, two = ~y, ~one, ~two
    elif value != "ppv":
        raise ValueError(f"value is {value!r}, expected 'ppv' or 'npv'")
    for name, calls in (("first", one), ("second", two)):
        if not calls.any():
            raise ValueError(f"{name} calls no case {'positive' if value == 'ppv' else 'negative'}")
    values = [float(y[calls].mean()) for calls in (one, two)]
    pull = [calls * (y - v) / calls.sum() for calls, v in zip((one, two), values, strict=True)]
    if method == "weighted" and codes is not None:
        raise ValueError("method 'weighted' supposes independent cases; with cluster use 'score'")
    if method == "weighted":
        statistic = _weighted(y, one, two)
    elif method == "score":
        statistic = _score(y, one, two, codes)
    else:
        raise ValueError(f"method is {method!r}, expected 'weighted' or 'score'")
    name = "influence of cases" if codes is None else "influence of clusters"

    def interval(estimate: float, influence: Floats, least: float) -> Interval:
        sums = influence if codes is None else np.bincount(codes, influence)
        units = len(sums)
        half = float(ndtri(0.5 + confidence / 2) * np.sqrt(units / max(1, units - 1) * np.sum(sums**2)))
        return Interval(
            estimate, max(least, estimate - half), min(1.0, estimate + half), confidence, name, units
        )

    return PredictiveComparison(
        interval(values[0], pull[0], 0.0),
        interval(values[1], pull[1], 0.0),
        interval(values[0] - values[1], pull[0] - pull[1], -1.0),
        statistic,
        float(chdtrc(1, statistic)),
        "weighted generalised score, Kosinski" if method == "weighted" else "generalised score, Leisenring",
    )


def _weighted(y: Bools, one: Bools, two: Bools) -> float:
    """Squared difference over its variance where both tests have the pooled value (Kosinski 2013, formula 9)."""
    n1, n2 = int(one.sum()), int(two.sum())
    pooled = float(y[one].sum() + y[two].sum()) / (n1 + n2)
    shared = float(np.sum((y[one & two] - pooled) ** 2)) / (n1 * n2)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2) - 2 * shared
    difference = float(y[one].mean() - y[two].mean())
    # Tests that call the same cases do not differ, and have no variance.
    return difference**2 / variance if variance > 1e-15 else 0.0


def _score(y: Bools, one: Bools, two: Bools, codes: Ints | None) -> float:
    share = two.sum() / (one.sum() + two.sum())
    pooled = (y[one].sum() + y[two].sum()) / (one.sum() + two.sum())
    moved = one * (0 - share) + two * (1 - share)
    influence = (y - pooled) * moved
    sums = influence if codes is None else np.bincount(codes, influence)
    variance = float(np.sum(sums**2))
    return float(sums.sum() ** 2 / variance) if variance > 0 else 0.0
