"""Resampling of independent units by counts, and the limits that replicates give.

A resample is a vector of counts: how often each unit (a patient, where a patient has several rows) was
drawn. A statistic that takes weights is then computed for many resamples at once by matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtr, ndtri

from overread.stats.arrays import Floats, Ints
from overread.stats.interval import Interval

BLOCK_VALUES = 2_000_000
_WORDS = {"bca": "BCa"}


def resample_counts(
    units: int, resamples: int, seed: int, strata: Ints | None = None, rows_of_data: int = 0
) -> Iterator[Floats]:
    """Yield blocks (b, units) of draw counts, ``resamples`` rows in all.

    Units are drawn with replacement, within each stratum if ``strata`` (units,) is given, so that every
    stratum keeps its size. ``rows_of_data`` is how many rows the caller spreads each resample over, where
    that is more than ``units``: blocks stay small enough for memory.
    """
    generator = np.random.default_rng(seed)
    members = (
        [np.arange(units)] if strata is None else [np.flatnonzero(strata == s) for s in np.unique(strata)]
    )
    block = max(1, min(resamples, BLOCK_VALUES // max(units, rows_of_data)))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        counts = np.empty((rows, units))
        for member in members:
            size = len(member)
            draws = generator.integers(0, size, (rows, size)) + size * np.arange(rows)[:, None]
            counts[:, member] = np.bincount(draws.ravel(), minlength=rows * size).reshape(rows, size)
        yield counts


def defined(replicates: Floats) -> Floats:
    """Replicates of resamples that held every class; ValueError where that is fewer than half of them."""
    kept = replicates[np.isfinite(replicates)]
    if len(kept) < len(replicates) / 2:
        raise ValueError("a class occurs in so few clusters that most resamples lose it; no interval exists")
    return kept


def limits(
    estimate: float,
    replicates: Floats,
    *,
    method: str,
    confidence: float,
    n: int,
    jackknife: Floats | None = None,
    name: str = "bootstrap",
) -> Interval:
    """Interval from bootstrap replicates (B,).

    ``percentile``: their quantiles. ``bca``: bias-corrected and accelerated (Efron, J Am Stat Assoc 1987;
    82:171), which needs the ``jackknife`` values, one per unit left out. ``basic``: the quantiles mirrored
    at the estimate, for statistics whose replicates are shifted.
    """
    alpha = (1 - confidence) / 2
    levels = np.array([alpha, 1 - alpha])
    if method == "bca":
        if jackknife is None:
            raise ValueError("method 'bca' needs jackknife values")
        levels = _bca_levels(estimate, replicates, jackknife, levels)
    elif method not in ("percentile", "basic"):
        raise ValueError(f"method is {method!r}, expected 'percentile', 'bca' or 'basic'")
    low, high = np.quantile(replicates, levels)
    if method == "basic":
        low, high = 2 * estimate - high, 2 * estimate - low
    return Interval(
        float(estimate), float(low), float(high), confidence, f"{name}, {_WORDS.get(method, method)}", n
    )


def _bca_levels(estimate: float, replicates: Floats, jackknife: Floats, levels: Floats) -> Floats:
    # Rounding makes equal replicates differ in the last digit; the tolerance keeps them ties.
    tolerance = 1e-12 * max(1.0, abs(estimate))
    below = np.mean(replicates < estimate - tolerance)
    share = below + np.mean(np.abs(replicates - estimate) <= tolerance) / 2
    if share in (0, 1):
        raise ValueError("BCa limits do not exist: every replicate lies on one side; use method='percentile'")
    bias = ndtri(share)
    deviation = jackknife.mean() - jackknife
    spread = np.sum(deviation**2)
    acceleration = np.sum(deviation**3) / (6 * spread**1.5) if spread > tolerance**2 else 0.0
    z = bias + ndtri(levels)
    adjusted: Floats = ndtr(bias + z / (1 - acceleration * z))
    return adjusted
