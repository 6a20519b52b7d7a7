"""Tests of each group against the others, adjusted for their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtr, stdtrit

from overread.stats.arrays import Bools, Ints, as_groups, check_confidence, group_count
from overread.stats.fairness.groups import Group, checked, group_codes, parts
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_difference_ci
from overread.stats.intervals.score import score_statistic
from overread.stats.multiplicity import Method, adjust


@dataclass(frozen=True)
class GroupTest:
    """One group less the others (or less the reference group); ``reject``: adjusted p at most alpha."""

    group: str
    difference: Interval
    p_value: float
    adjusted_p_value: float
    reject: bool


@dataclass(frozen=True)
class GroupTests:
    """All tests of a family; ``untested`` groups have no case on one of the sides."""

    metric: str
    method: str
    alpha: float
    tests: tuple[GroupTest, ...]
    untested: tuple[str, ...]


def group_tests(
    y: ArrayLike,
    predicted: ArrayLike,
    group: Group,
    *,
    metric: str = "tpr",
    reference: str | None = None,
    method: Method = "holm",
    alpha: float = 0.05,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> GroupTests:
    """Does a rate of a group differ from that of all others together, or of the ``reference`` group?

    ``metric`` is a rate of ``by_group``, ``method`` one of ``multiplicity.adjust``. Differences have limits of
    Miettinen and Nurminen (Stat Med 1985;4:213) and the p-value of the same score test; with ``cluster`` (n,) Wald
    limits and p-values from sums over clusters with Student's t of clusters - 1 degrees of freedom. The limits are of
    one difference at a time; the adjusted p-values allow for their number.

    Raises ValueError for NaN, wrong shapes, one group only, or a reference that is no group.
    """
    check_confidence(confidence)
    labels, called = checked(y, predicted)
    codes, names = group_codes(group, len(labels))
    known = parts(labels, called)
    if metric not in known:
        raise ValueError(f"metric is {metric!r}, expected one of {', '.join(known)}")
    if len(names) < 2:
        raise ValueError("there is one group only; a comparison needs two or more")
    if reference is not None and reference not in names:
        raise ValueError(f"reference is {reference!r}, expected one of the groups {', '.join(names)}")
    part, among = known[metric]
    clusters = as_groups(cluster, len(labels))
    done: list[tuple[str, Interval, float]] = []
    untested = []
    # Of two groups, each against the other is one and the same test.
    single = reference is None and len(names) == 2
    for k, name in enumerate(names):
        if name == reference or (single and k == 1):
            continue
        one = among & (codes == k)
        other = among & ((codes != k) if reference is None else (codes == names.index(reference)))
        if not one.any() or not other.any():
            untested.append(name)
        elif clusters is None:
            counts = int(part[one].sum()), int(one.sum()), int(part[other].sum()), int(other.sum())
            interval = proportion_difference_ci(*counts, method="miettinen-nurminen", confidence=confidence)
            done.append((name, interval, float(2 * ndtr(-abs(score_statistic(*counts, 0.0))))))
        else:
            done.append((name, *_clustered(part, one, other, clusters, confidence)))
    if not done:
        raise ValueError(f"no group has cases for {metric} beside others that have")
    adjusted = adjust([p for _, _, p in done], method=method, alpha=alpha)
    tests = tuple(
        GroupTest(name, interval, p, float(adjusted.adjusted[i]), bool(adjusted.reject[i]))
        for i, (name, interval, p) in enumerate(done)
    )
    return GroupTests(metric, method, alpha, tests, tuple(untested))


def _clustered(
    part: Bools, one: Bools, other: Bools, clusters: Ints, confidence: float
) -> tuple[Interval, float]:
    used = np.unique(clusters[one | other], return_inverse=True)[1]
    units = group_count(used)
    if units < 2:
        raise ValueError("one cluster has no interval; expected two or more")
    first, second = float(part[one].mean()), float(part[other].mean())
    moved = np.where(one, (part - first) / one.sum(), 0) - np.where(other, (part - second) / other.sum(), 0)
    sums = np.bincount(used, moved[one | other])
    error = float(np.sqrt(units / (units - 1) * np.sum(sums**2)))
    difference = first - second
    half = float(stdtrit(units - 1, 0.5 + confidence / 2)) * error
    low, high = max(-1.0, difference - half), min(1.0, difference + half)
    interval = Interval(difference, low, high, confidence, "Wald t, clusters", units)
    if error == 0:
        return interval, 1.0 if difference == 0 else 0.0
    return interval, float(2 * stdtr(units - 1, -abs(difference) / error))
