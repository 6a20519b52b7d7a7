"""A measure of every group on the same bootstrap samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from overread.stats.arrays import Bools, Floats, Ints, as_count, group_count
from overread.stats.bootstrap import resample_counts
from overread.stats.fairness.groups import parts
from overread.stats.roc import auc
from overread.stats.roc.resample import WeightedAuc

Metric = Literal[
    "selection", "tpr", "fpr", "fnr", "tnr", "ppv", "npv", "accuracy", "prevalence", "auc", "brier"
]


@dataclass(frozen=True)
class Measured:
    """Of the groups ``kept`` (k,): estimates (k,), replicates (b, k) about ``centre`` (k,), and a least error (k,).

    That standard error keeps groups whose replicates are all alike (a rate of 0 or 1) from looking certain.
    ``whole`` (k,) is how many cases each estimate rests on. A replicate is NaN where a resample lost the group.
    """

    kept: Ints
    estimate: Floats
    centre: Floats
    replicates: Floats
    least_error: Floats
    whole: Floats


def measured(
    metric: Metric,
    labels: Bools,
    called: Bools,
    score: Floats | None,
    codes: Ints,
    clusters: Ints | None,
    min_group_size: int,
    resamples: int,
    seed: int,
) -> Measured:
    """``metric`` of each group with at least ``min_group_size`` cases that it rests on.

    Independent cases are drawn within groups, among those that the rate is a share of (within classes, for the area);
    with ``clusters``, whole clusters are drawn, within groups if none spans two.
    """
    groups = group_count(codes)
    resamples = as_count(resamples, "resamples", least=1)
    if metric in ("auc", "brier"):
        if score is None:
            raise ValueError(f"metric {metric!r} needs score, one for each case")
        if metric == "brier":
            if (score < 0).any() or (score > 1).any():
                raise ValueError(f"score ranges from {score.min():g} to {score.max():g}, expected 0 to 1")
            value, among = (score - labels) ** 2, np.ones_like(labels)
        else:
            return _areas(labels, score, codes, clusters, max(2, min_group_size), resamples, seed)
    else:
        known = parts(labels, called)
        if metric not in known:
            raise ValueError(f"metric is {metric!r}, expected one of {', '.join(known)}, auc, brier")
        part, among = known[metric]
        value = part.astype(np.float64)
    total, whole = (
        np.bincount(codes[among], value[among], groups),
        np.bincount(codes[among], minlength=groups),
    )
    kept = np.flatnonzero(whole >= max(1, min_group_size))
    estimate = total[kept] / whole[kept]
    size = whole[kept].astype(np.float64)
    shrunk = (total[kept] + 1) / (size + 2)
    least = np.sqrt(shrunk * (1 - shrunk) / size)
    if clusters is None and metric != "brier":
        generator = np.random.default_rng(seed)
        # Drawn from the rate with one success and one failure added, so that a rate of 0 or 1 varies too.
        replicates = generator.binomial(whole[kept], shrunk, (resamples, len(kept))) / size
        return Measured(kept, estimate, shrunk, replicates, least, size)
    units = np.arange(len(labels)) if clusters is None else clusters
    count = group_count(units)
    shape, cell = (count, groups), units * groups + codes
    sums = np.bincount(cell[among], value[among], count * groups).reshape(shape)[:, kept]
    sizes = np.bincount(cell[among], minlength=count * groups).reshape(shape)[:, kept].astype(np.float64)
    blocks = [
        (c @ sums, c @ sizes) for c in resample_counts(count, resamples, seed, strata=_strata(codes, units))
    ]
    top, bottom = (np.concatenate(side) for side in zip(*blocks, strict=True))
    replicates = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    contributing = np.maximum(1, (sizes > 0).sum(axis=0))
    extreme = (estimate == 0) | (estimate == 1)
    shrunk = (contributing * estimate + 1) / (contributing + 2)
    least = np.where(extreme, np.sqrt(shrunk * (1 - shrunk) / contributing), 0.0)
    return Measured(kept, estimate, estimate, _not_lost(replicates), least, size)


def _areas(
    labels: Bools,
    score: Floats,
    codes: Ints,
    clusters: Ints | None,
    min_group_size: int,
    resamples: int,
    seed: int,
) -> Measured:
    size = np.bincount(codes)
    positives = np.bincount(codes, labels)
    kept = np.flatnonzero((positives > 0) & (positives < size) & (size >= min_group_size))
    members = [np.flatnonzero(codes == k) for k in kept]
    weighted: list[Callable[[Floats], Floats]] = [WeightedAuc(labels[m], score[m]) for m in members]
    units = np.arange(len(labels)) if clusters is None else clusters
    # Alone, cases are drawn within group and class, so that no resample loses a class.
    strata = codes * 2 + labels if clusters is None else _strata(codes, units)
    drawn = []
    for counts in resample_counts(
        group_count(units), resamples, seed, strata=strata, rows_of_data=len(labels)
    ):
        weights = counts if clusters is None else counts[:, units]
        drawn.append(np.stack([one(weights[:, m]) for one, m in zip(weighted, members, strict=True)], axis=1))
    estimate, least = np.zeros(len(kept)), np.zeros(len(kept))
    for i, m in enumerate(members):
        interval = auc(labels[m], score[m])
        estimate[i] = interval.estimate
        if estimate[i] in (0.0, 1.0):
            least[i] = (interval.high - interval.low) / float(ndtri(0.975))
    return Measured(
        kept, estimate, estimate, _not_lost(np.concatenate(drawn)), least, size[kept].astype(np.float64)
    )


def _strata(codes: Ints, units: Ints) -> Ints | None:
    """Group of each cluster, or None where a cluster spans two groups."""
    of_unit = np.zeros(group_count(units), dtype=np.int64)
    of_unit[units] = codes
    return of_unit if (of_unit[units] == codes).all() else None


def _not_lost(replicates: Floats) -> Floats:
    """The replicates, unless most resamples lack the measure of some group."""
    if np.isfinite(replicates).all(axis=1).mean() < 0.5:
        raise ValueError(
            "a group has so few cases (clusters) that most resamples lose it; raise min_group_size to leave it out"
        )
    return replicates
