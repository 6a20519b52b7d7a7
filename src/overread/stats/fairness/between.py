"""The largest gap between groups, from the estimates and intervals of any measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy.special import ndtri

from overread.stats.interval import Interval


@dataclass(frozen=True)
class GroupGap:
    """``gap``: ``highest`` less ``lowest`` group, with limits that hold for all pairs together; ``worst``: the group
    that fares worst, with limits that hold for all groups together. ``comparisons``: number of pairs."""

    highest: str
    lowest: str
    gap: Interval
    worst_group: str
    worst: Interval
    comparisons: int


def largest_gap(
    groups: Mapping[str, Interval],
    *,
    lower_is_better: bool = False,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> GroupGap:
    """Largest difference of two independent groups, with simultaneous limits.

    Limits of a difference come from those of its parts (MOVER: Zou and Donner, Stat Med 2008;27:1693), each drawn apart
    from its estimate by the ratio of normal quantiles that allows for the number of pairs (Bonferroni); likewise those
    of the worst group for the number of groups. The lower limit of the gap is the largest of the pairs', and 0 where no
    pair differs beyond chance. It asks nothing of the measure but intervals, of one confidence; no limit lies beyond
    the measure's ``bounds``.

    Raises ValueError for fewer than two groups or different confidences.
    """
    if len(groups) < 2:
        raise ValueError(f"{len(groups)} groups with an interval; a gap needs two or more")
    if len({i.confidence for i in groups.values()}) > 1:
        raise ValueError("the groups' intervals have different confidences")
    names = list(groups)
    confidence = groups[names[0]].confidence
    pairs = comb(len(names), 2)
    wide = _wider(confidence, pairs)
    lows, highs = [0.0], []
    for one, other in combinations(names, 2):
        a, b = groups[one], groups[other]
        a, b = (a, b) if a.estimate >= b.estimate else (b, a)
        difference = a.estimate - b.estimate
        lows.append(difference - wide * float(np.hypot(a.estimate - a.low, b.high - b.estimate)))
        highs.append(difference + wide * float(np.hypot(a.high - a.estimate, b.estimate - b.low)))
    estimates = [groups[name].estimate for name in names]
    highest, lowest = names[int(np.argmax(estimates))], names[int(np.argmin(estimates))]
    worst_group = highest if lower_is_better else lowest
    w, by = groups[worst_group], _wider(confidence, len(names))
    worst = Interval(
        w.estimate,
        max(bounds[0], w.estimate - by * (w.estimate - w.low)),
        min(bounds[1], w.estimate + by * (w.high - w.estimate)),
        confidence,
        f"{w.method}, Bonferroni over {len(names)} groups",
        w.n,
    )
    gap = Interval(
        max(estimates) - min(estimates),
        max(lows),
        min(bounds[1] - bounds[0], max(highs)),
        confidence,
        f"MOVER, Bonferroni over {pairs} pairs",
    )
    return GroupGap(highest, lowest, gap, worst_group, worst, pairs)


def _wider(confidence: float, comparisons: int) -> float:
    """How much further off limits lie that allow for so many comparisons."""
    alpha = 1 - confidence
    return float(ndtri(1 - alpha / (2 * comparisons)) / ndtri(1 - alpha / 2))
