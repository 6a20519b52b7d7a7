"""Mean of a metric over cases: a missed case must count, never vanish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci


def mean_over_cases(
    values: Iterable[float | None],
    *,
    cluster: ArrayLike | None = None,
    missed: float | None = None,
    confidence: float = 0.95,
    method: Literal["auto", "percentile", "bca"] = "auto",
    resamples: int = 2000,
    seed: int = 0,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Mean of a metric over cases with the interval of ``mean_ci`` over cases, or over patients (``cluster``).

    ``values`` (n,), one per case. A value that is None or NaN is a case that some library could not measure;
    it takes the penalty ``missed``, and without one it is an error: left out, a missed lesion would raise the
    mean. ``bounds`` are limits of the metric such as (0, 1), which let one single case have an interval.
    """
    numbers = np.array([np.nan if v is None else float(v) for v in values])
    unknown = np.isnan(numbers)
    if unknown.any():
        if missed is None:
            raise ValueError(
                f"values holds {int(unknown.sum())} NaN of {len(numbers)}: give missed, the value that a case "
                "without a measurement counts"
            )
        numbers[unknown] = missed
    return mean_ci(
        numbers,
        cluster=cluster,
        method=method,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        bounds=bounds,
    )
