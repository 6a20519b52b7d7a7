"""Kolmogorov and Smirnov's test of one sample against a distribution that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_floats


@dataclass(frozen=True)
class OneSampleTest:
    """``statistic``: the largest distance of the two distribution functions, at ``location``."""

    statistic: float
    p_value: float
    location: float
    n: int
    method: str = "Kolmogorov-Smirnov, one sample"


def ks_one_sample(
    values: ArrayLike,
    distribution: Callable[[Floats], ArrayLike],
    *,
    alternative: Literal["two-sided", "less", "greater"] = "two-sided",
) -> OneSampleTest:
    """Test that ``values`` (n,) come from the continuous distribution function ``distribution``, by SciPy.

    Exact (Simard and L'Ecuyer, J Stat Softw 2011;39:11). ``distribution`` maps values (n,) to probabilities (n,), such
    as ``scipy.stats.norm(0, 1).cdf``; its parameters must not have been estimated from the same values, or the test
    hardly ever rejects (Lilliefors). Probability integral transforms of forecasts are tested against the uniform.

    Raises ValueError for NaN, no values, or a distribution function that leaves 0 to 1.
    """
    from scipy.stats import kstest

    x = as_floats(values, "values")
    if alternative not in ("two-sided", "less", "greater"):
        raise ValueError(f"alternative is {alternative!r}, expected 'two-sided', 'less' or 'greater'")
    at = np.asarray(distribution(x), dtype=np.float64)
    if at.shape != x.shape or not np.isfinite(at).all() or at.min() < 0 or at.max() > 1:
        raise ValueError("distribution must map values (n,) to probabilities (n,) between 0 and 1")
    found = kstest(at, "uniform", alternative=alternative)
    location = float(x[np.argmin(np.abs(at - float(found.statistic_location)))])
    return OneSampleTest(float(found.statistic), float(found.pvalue), location, len(x))
