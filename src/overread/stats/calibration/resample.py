"""Bootstrap of measures that depend on the cases only through sums of a few columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from overread.stats.arrays import Floats, Ints, group_count
from overread.stats.bootstrap import defined, limits, resample_counts
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci


def bootstrap_of_sums(
    statistic: Callable[[Floats], Floats],
    columns: Any,
    codes: Ints | None,
    *,
    method: str,
    name: str,
    confidence: float,
    resamples: int,
    seed: int,
    bounds: tuple[float, float],
) -> list[Interval]:
    """Intervals of the m values of ``statistic``, which takes sums (b, c) of columns and returns (b, m).

    ``columns`` (n, c), dense or sparse, are of each case; whole clusters ``codes`` (n,) are drawn if given.
    Limits are cut to ``bounds``, and are the bounds themselves for one unit alone. Where no resample differs they
    reach towards the bounds as far as the upper Wilson limit of 0 in n. Resamples on which a value is NaN are
    set aside for it.
    """
    n = columns.shape[0]
    units, data = n, columns
    if codes is not None:
        from scipy.sparse import csr_array

        units = group_count(codes)
        data = csr_array((np.ones(n), (codes, np.arange(n))), shape=(units, n)) @ columns
    estimates = statistic(np.asarray(np.ones((1, units)) @ data))[0]
    if units == 1:
        return [Interval(float(e), *bounds, confidence, "one case: full range", 1) for e in estimates]
    blocks = resample_counts(units, resamples, seed, rows_of_data=max(n, columns.shape[1]))
    replicates = np.concatenate([statistic(np.asarray(counts @ data)) for counts in blocks])
    out = []
    share = proportion_ci(0, units, method="wilson", confidence=confidence).high
    for estimate, column in zip(estimates, replicates.T, strict=True):
        if np.ptp(column) == 0 and np.isfinite(bounds).all():
            ends = [float(estimate + (bound - estimate) * share) for bound in bounds]
            word = "no resample differs: Wilson share at the bounds"
            out.append(Interval(float(estimate), ends[0], ends[1], confidence, word, units))
            continue
        found = limits(
            float(estimate), defined(column), method=method, confidence=confidence, n=units, name=name
        )
        low, high = (min(bounds[1], max(bounds[0], v)) for v in (found.low, found.high))
        out.append(Interval(found.estimate, low, high, confidence, found.method, units))
    return out
