"""Intervals of statistics of weighted cases: whole cases or patients are drawn, nothing is matched again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, Ints, as_groups, check_confidence
from overread.stats.bootstrap import defined, limits, weighted_replicates
from overread.stats.interval import Interval


def intervals(
    statistic: Callable[[Floats], Floats],
    cases: int,
    cluster: ArrayLike | None,
    strata: Ints | None,
    method: str,
    confidence: float,
    resamples: int,
    seed: int,
) -> list[Interval]:
    """Bootstrap interval of each column of a statistic that takes case weights (b, cases) and lies in 0 to 1.

    ``strata`` (cases,) codes keep the number of cases of each kind; a patient's stratum is the set of kinds that
    their cases have. One unit alone gives the full range.
    """
    check_confidence(confidence)
    codes = as_groups(cluster, cases)
    codes = np.arange(cases) if codes is None else codes
    units = int(codes.max()) + 1
    estimates = statistic(np.ones((1, cases)))[0]
    if units == 1:
        return [Interval(float(e), 0.0, 1.0, confidence, "one case: full range", 1) for e in estimates]
    kinds = None if strata is None else _kinds(codes, units, strata)
    replicates = weighted_replicates(statistic, codes, units, resamples, seed, kinds)
    name = "bootstrap of cases" if cluster is None else "bootstrap of clusters"
    return [
        limits(float(e), defined(column), method=method, confidence=confidence, n=units, name=name)
        for e, column in zip(estimates, replicates.T, strict=True)
    ]


def _kinds(codes: Ints, units: int, strata: Ints) -> Ints:
    """Stratum of each unit: which kinds of cases it holds, as bits."""
    held = np.zeros((units, int(strata.max()) + 1), dtype=np.bool_)
    held[codes, strata] = True
    kinds: Ints = held @ (1 << np.arange(held.shape[1]))
    return kinds
