"""Resampling of independent units by counts, and the limits that replicates give.

A resample is a vector of counts: how often each unit (a patient, where a patient has several rows) was
drawn. A statistic that takes weights is then computed for many resamples at once by matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from overread.stats.arrays import Floats, Ints, as_count
from overread.stats.interval import Interval

BLOCK_VALUES = 2_000_000
JACKKNIFE_GROUPS = 1000
_WORDS = {"bca": "BCa"}


def resampling_name(cluster: ArrayLike | None, *, within_classes: bool = False) -> str:
    """What a bootstrap draws, for an interval's ``method``: whole clusters, or cases where there are none."""
    if cluster is not None:
        return "bootstrap of clusters"
    return "bootstrap of cases within classes" if within_classes else "bootstrap of cases"


def resample_counts(
    units: int, resamples: int, seed: int, *, strata: Ints | None = None, rows_of_data: int = 0
) -> Iterator[Floats]:
    """Yield blocks (b, units) of draw counts, ``resamples`` rows in all.

    Units are drawn with replacement, within each stratum if ``strata`` (units,) is given, so that every
    stratum keeps its size. ``rows_of_data`` is how many rows the caller spreads each resample over, where
    that is more than ``units``: blocks stay small enough for memory.
    """
    resamples = as_count(resamples, "resamples", least=1)
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


def weighted_replicates(
    statistic: Callable[[Floats], Floats],
    codes: Ints,
    units: int,
    resamples: int,
    seed: int,
    *,
    strata: Ints | None = None,
) -> Floats:
    """Replicates (resamples,) of a statistic that takes weights (b, n) of the rows and returns (b,).

    ``codes`` (n,) is the unit of each row, ``strata`` (units,) the stratum of each unit.
    """
    alone = units == len(codes) and bool((codes == np.arange(units)).all())
    blocks = resample_counts(units, resamples, seed, strata=strata, rows_of_data=len(codes))
    return np.concatenate([np.asarray(statistic(c if alone else c[:, codes]), float) for c in blocks])


def jackknife_groups(units: int, *, strata: Ints | None = None, seed: int = 0) -> tuple[Ints, Ints]:
    """Group (units,) of each unit to leave out together, and the stratum of each group.

    Every unit is its own group up to ``JACKKNIFE_GROUPS`` of them, beyond that groups are drawn at random
    within strata: third moments add up over independent units, so the acceleration stays that of the units.
    A unit that is alone in its stratum is in every resample; its group is -1, never left out.
    """
    stratum = np.zeros(units, dtype=np.int64) if strata is None else strata
    groups = np.full(units, -1, dtype=np.int64)
    group_strata: list[int] = []
    generator = np.random.default_rng(seed)
    for s in np.unique(stratum):
        members = np.flatnonzero(stratum == s)
        size = len(members)
        if size < 2:
            continue
        wanted = size if units <= JACKKNIFE_GROUPS else min(size, max(2, JACKKNIFE_GROUPS * size // units))
        order = np.arange(size) if wanted == size else generator.permutation(size)
        groups[members[order]] = len(group_strata) + np.arange(size) % wanted
        group_strata += [int(s)] * wanted
    return groups, np.array(group_strata, dtype=np.int64)


def centred_jackknife(values: Floats, group_strata: Ints) -> Floats:
    """Jackknife values centred within strata, as ``limits`` needs them.

    Acceleration of stratified samples: Davison and Hinkley, Bootstrap Methods and their Application, 1997, 5.3.
    Values that are not finite (a class was left out) count as no deviation.
    """
    centred = np.zeros_like(values)
    for s in np.unique(group_strata):
        inside = (group_strata == s) & np.isfinite(values)
        if inside.any():
            centred[inside] = (1 - 1 / inside.sum()) * (values[inside] - values[inside].mean())
    return centred


def weighted_jackknife(
    statistic: Callable[[Floats], Floats],
    codes: Ints,
    units: int,
    *,
    seed: int = 0,
    strata: Ints | None = None,
) -> Floats:
    """Centred jackknife values of a statistic of weights, for the ``bca`` limits."""
    groups, group_strata = jackknife_groups(units, strata=strata, seed=seed)
    left_out = groups[codes]
    total = len(group_strata)
    block = max(1, BLOCK_VALUES // len(codes))
    values = [
        np.asarray(statistic((left_out != np.arange(i, min(i + block, total))[:, None]).astype(float)), float)
        for i in range(0, total, block)
    ]
    return centred_jackknife(np.concatenate(values), group_strata)


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
