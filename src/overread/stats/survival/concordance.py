"""Concordance: does the higher score have the event earlier?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import (
    Bools,
    Floats,
    as_floats,
    as_groups,
    check_confidence,
    group_count,
    same_length,
)
from overread.stats.interval import Interval
from overread.stats.roc.limits import area_limits
from overread.stats.survival.observed import censoring_survival, just_before, observed


def harrell_c(
    time: ArrayLike,
    event: ArrayLike,
    score: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Interval:
    """Share of comparable pairs in which the case with the earlier event has the higher score (n,), ties half.

    Harrell et al., JAMA 1982;247:2543. A pair is comparable where the earlier time is an event; of equal times, where
    one is an event and the other is not. Depends on the censoring (`uno_c` does not). Limits on the logit scale, with
    the variance of each case's influence (as for U-statistics), or each ``cluster``'s (n,).

    Raises ValueError for NaN, wrong shapes, no event, or no comparable pair.
    """
    t, e = observed(time, event)
    s = as_floats(score, "score")
    same_length(len(t), s, "score")
    return _concordance(t, e, s, np.ones(len(t)), cluster, confidence, "Harrell's C")


def uno_c(
    time: ArrayLike,
    event: ArrayLike,
    score: ArrayLike,
    *,
    horizon: float | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Interval:
    """Concordance until ``horizon`` (default: the last event), free of the censoring (Uno, Stat Med 2011;30:1105).

    Each pair weighs 1 / G^2 of the earlier event's time, G being the chance of not being censored before it; censoring
    must not depend on the score. Limits as for ``harrell_c``, G taken as known.

    Raises ValueError as ``harrell_c`` does, or where no event lies before ``horizon``.
    """
    t, e = observed(time, event)
    s = as_floats(score, "score")
    same_length(len(t), s, "score")
    until = float(t[e].max()) if horizon is None else float(horizon)
    counted = e & (t < until) if horizon is not None else e
    if not counted.any():
        raise ValueError(f"no event before horizon {until:g}")
    kept = just_before(*censoring_survival(t, e), t)
    weight = np.divide(1.0, kept**2, out=np.zeros(len(t)), where=counted & (kept > 0))
    return _concordance(t, counted, s, weight, cluster, confidence, "Uno's C")


def _concordance(
    t: Floats,
    e: Bools,
    s: Floats,
    weight: Floats,
    cluster: ArrayLike | None,
    confidence: float,
    name: str,
) -> Interval:
    check_confidence(confidence)
    won, pairs = _by_case(t, e, s, weight)
    if pairs.sum() == 0:
        raise ValueError("no pair of cases is comparable: no event comes before another case's time")
    c = float(won.sum() / pairs.sum())
    # Each pair is counted with both of its cases: twice in both sums.
    influence = 2 * (won - c * pairs) / pairs.sum()
    codes = as_groups(cluster, len(t))
    sums = influence if codes is None else np.bincount(codes, influence)
    units = len(t) if codes is None else group_count(codes)
    if units < 2:
        raise ValueError("one cluster has no interval; expected two or more")
    variance = float(units / (units - 1) * np.sum(sums**2))
    label = name if codes is None else f"{name}, clusters"
    events = float(e.sum())
    return area_limits(c, variance, events, max(1.0, units - events), confidence, "logit", label, units)


def _by_case(t: Floats, e: Bools, s: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Of each case (n,): its concordant pairs, ties half, and all its comparable ones, weighted."""
    n = len(t)
    won, pairs = np.zeros(n), np.zeros(n)
    block = max(1, 4_000_000 // n)
    first = np.flatnonzero(e)
    for start in range(0, len(first), block):
        i = first[start : start + block]
        later = (t > t[i, None]) | ((t == t[i, None]) & ~e)
        w = later * weight[i, None]
        better = w * ((s[i, None] > s) + 0.5 * (s[i, None] == s))
        won[i] += better.sum(axis=1)
        pairs[i] += w.sum(axis=1)
        won += better.sum(axis=0)
        pairs += w.sum(axis=0)
    return won, pairs
