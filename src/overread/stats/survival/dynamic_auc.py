"""Time-dependent area: does the score tell who has the event until a time from who has not?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import as_floats, as_groups, check_confidence, group_count, same_length
from overread.stats.bootstrap import defined, limits, resample_counts, resampling_name
from overread.stats.interval import Interval
from overread.stats.roc.resample import WeightedAuc
from overread.stats.survival.observed import observed


def dynamic_auc(
    time: ArrayLike,
    event: ArrayLike,
    score: ArrayLike,
    *,
    at: float,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Cumulative/dynamic area at time ``at``: cases with the event until then against those beyond it.

    Uno et al., J Am Stat Assoc 2007;102:527; Hung and Chiang, Can J Stat 2010;38:8: cases censored before ``at`` drop
    out, and each event weighs 1 / G of its time, G being the chance of not being censored before it, estimated anew in
    each resample. ``score`` (n,) is higher where the event is expected sooner. Percentile bootstrap limits over cases,
    or over ``cluster`` (n,).

    Raises ValueError for NaN, wrong shapes, no event until ``at``, or nobody followed beyond it.
    """
    check_confidence(confidence)
    t, e = observed(time, event)
    s = as_floats(score, "score")
    same_length(len(t), s, "score")
    had, beyond = e & (t <= at), t > at
    if not had.any() or not beyond.any():
        who = "no event was seen until" if not had.any() else "nobody was followed beyond"
        raise ValueError(f"{who} time {at:g}")
    codes = as_groups(cluster, len(t))
    units = len(t) if codes is None else group_count(codes)
    if units < 2:
        raise ValueError("one case (or one cluster) has no interval; expected two or more")
    used = had | beyond
    area = WeightedAuc(had[used], s[used])
    order = np.argsort(t, kind="stable")
    ranked, censored = t[order], ~e[order]
    start = np.searchsorted(ranked, t, side="left")

    def statistic(weights: np.ndarray) -> np.ndarray:
        w = weights[:, order]
        # Events come before censorings of the same time: those at risk of censoring have no event there.
        risk = np.cumsum(w[:, ::-1], axis=1)[:, ::-1]
        first = np.searchsorted(ranked, ranked, side="left")
        events = np.cumsum(np.pad(w * ~censored, ((0, 0), (1, 0))), axis=1)
        upto = np.searchsorted(ranked, ranked, side="right")
        at_risk = risk[:, first] - (events[:, upto] - events[:, first])
        # One factor a distinct time, on its last case.
        leaving = np.cumsum(np.pad(w * censored, ((0, 0), (1, 0))), axis=1)
        left = leaving[:, upto] - leaving[:, first]
        hazard = np.divide(left, at_risk, out=np.zeros_like(w), where=at_risk > 0)
        last = np.append(ranked[1:] != ranked[:-1], True)
        kept = np.cumprod(np.where(last, 1 - hazard, 1.0), axis=1)
        before = np.pad(kept, ((0, 0), (1, 0)), constant_values=1.0)[:, start]
        scaled = (
            weights * np.divide(had, before, out=np.zeros_like(before), where=before > 0) + weights * beyond
        )
        return area(scaled[:, used])

    estimate = float(statistic(np.ones((1, len(t))))[0])
    blocks = resample_counts(units, resamples, seed, rows_of_data=4 * len(t))
    replicates = np.concatenate([statistic(c if codes is None else c[:, codes]) for c in blocks])
    name = f"cumulative/dynamic, {resampling_name(codes)}"
    return limits(
        estimate, defined(replicates), method="percentile", confidence=confidence, n=units, name=name
    )
