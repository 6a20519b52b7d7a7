"""What a comparison of reference and current data says, and limits of distances that grow like chi-square."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import chndtr

from overread.stats.arrays import Floats
from overread.stats.interval import Interval


@dataclass(frozen=True)
class DriftTest:
    """A two-sample comparison: how far apart, how sure, on how many rows.

    ``statistic`` is the raw distance, ``effect`` a measure of its size that does not grow with the number of
    rows, with its interval; ``p_value`` belongs to the hypothesis of one common distribution. With many rows
    a tiny effect has a tiny p-value: judge drift by the effect. ``note`` says what limits the result.
    """

    name: str
    statistic: float
    p_value: float
    effect: Interval
    n_reference: int
    n_current: int
    method: str
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def chi_square_interval(
    value: float,
    scale: float,
    df: int,
    confidence: float,
    n: int,
    method: str,
    *,
    spread: float | None = None,
    largest: float = np.inf,
) -> Interval:
    """Interval of a squared distance whose estimate over ``scale`` is noncentral chi-square.

    The plain estimate is too large by ``scale * df`` where nothing differs: that is taken off (not below 0),
    and the limits are those of the noncentrality. ``spread`` is the estimate's standard error for a distance
    well away from 0 (delta method); where it exceeds what the noncentral chi-square has, the limits are
    widened in proportion on the square-root scale.
    """
    estimate = float(max(0.0, value - df * scale))
    low, high = (scale * limit for limit in _noncentrality(value / scale, df, confidence))
    low, high = min(low, estimate), max(high, estimate)
    if spread is not None and estimate > 0:
        factor = max(1.0, spread / np.sqrt(scale * (2 * df * scale + 4 * estimate)))
        root = np.sqrt(estimate)
        low = max(0.0, root - factor * (root - np.sqrt(low))) ** 2
        high = (root + factor * (np.sqrt(high) - root)) ** 2
    return Interval(
        float(min(estimate, largest)), float(low), float(min(high, largest)), confidence, method, n
    )


def p_by_count(observed: float, replicates: Floats) -> float:
    """Share of replicates at least as large, the observed one counted in (Phipson and Smyth 2010).

    Rounding makes equal distances differ in the last digits: within 1e-10 they are ties.
    """
    tolerance = 1e-10 * max(1e-3, abs(observed))
    return float((1 + np.count_nonzero(replicates >= observed - tolerance)) / (1 + len(replicates)))


def _noncentrality(x: float, df: int, confidence: float) -> tuple[float, float]:
    """Equal-tailed limits of the noncentrality of a chi-square variable seen at ``x``."""
    tail = (1 - confidence) / 2

    def limit(probability: float) -> float:
        if chndtr(x, df, 0) <= probability:
            return 0.0
        high = max(1.0, x)
        while chndtr(x, df, high) > probability:
            high *= 2
        return float(brentq(lambda nc: chndtr(x, df, nc) - probability, 0, high, xtol=1e-9, rtol=1e-12))

    return limit(1 - tail), limit(tail)
