"""Where the next case will lie: order statistics that cover it with a stated probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import as_floats, same_length


@dataclass(frozen=True)
class PredictionLimits:
    """Limits that hold one further case with probability ``coverage``, from ``n`` earlier ones.

    ``offset`` is what was added to both parts of a ratio, 0 where the values are no ratio.
    """

    low: float
    high: float
    coverage: float
    n: int
    offset: float = 0.0


def prediction_limits(values: ArrayLike, *, coverage: float = 0.9) -> PredictionLimits:
    """The two order statistics that cover a further case, or the outermost ones and the coverage they have.

    Split conformal: of n exchangeable values (n,) the one to come lies between ranks l and u with probability
    (u - l) / (n + 1), whatever their distribution (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random
    World, 2005). That probability is over the earlier cases and the new one together.

    Raises ValueError for NaN or fewer than two values.
    """
    x = np.sort(as_floats(values, "values"))
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage}, expected a number between 0 and 1 such as 0.9")
    n = len(x)
    if n < 2:
        raise ValueError("one value has no spread; expected two or more")
    tail = (n + 1) * (1 - coverage) / 2
    # Decimal fractions leave a rounding error beside whole ranks.
    lower, upper = max(1, int(np.floor(tail + 1e-9))), min(n, int(np.ceil(n + 1 - tail - 1e-9)))
    return PredictionLimits(float(x[lower - 1]), float(x[upper - 1]), (upper - lower) / (n + 1), n)


def ratio_prediction_limits(
    predicted: ArrayLike, true: ArrayLike, *, coverage: float = 0.9
) -> PredictionLimits:
    """``prediction_limits`` of (true + offset) / (predicted + offset), such as true over measured volume.

    ``predicted`` and ``true`` (n,), 0 or more. The offset, a twentieth of the median true value that is not 0,
    keeps cases in which nothing was found or nothing was there.

    Raises ValueError for negative values, no true value above 0, or fewer than two cases.
    """
    f, t = as_floats(predicted, "predicted"), as_floats(true, "true")
    same_length(len(f), t, "true")
    if (f < 0).any() or (t < 0).any():
        raise ValueError("predicted and true must be 0 or more")
    if not (t > 0).any():
        raise ValueError("true is 0 in every case; a ratio needs a case with something there")
    offset = float(np.median(t[t > 0])) / 20
    limits = prediction_limits((t + offset) / (f + offset), coverage=coverage)
    return PredictionLimits(limits.low, limits.high, limits.coverage, limits.n, offset)
