"""The gap between the groups that fare best and worst, with an interval that allows for having looked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from overread.stats.arrays import Floats, check_confidence
from overread.stats.fairness.groups import Group, checked_groups
from overread.stats.fairness.measured import Measured, Metric, measured
from overread.stats.interval import Interval


@dataclass(frozen=True)
class WorstGroupGap:
    """``gap``: highest less lowest ``metric`` of the groups, whose names and ``values`` are given.

    ``bias``: how much larger than the gap its bootstrap replicates are on average. The largest of several noisy
    differences is too large even where all groups are alike; the estimate less the bias is nearer to the truth.
    ``left_out``: groups with too few cases for the metric.
    """

    metric: str
    gap: Interval
    highest: str
    lowest: str
    bias: float
    values: dict[str, float]
    left_out: tuple[str, ...]


def worst_group_gap(
    y: ArrayLike,
    predicted: ArrayLike,
    group: Group,
    *,
    metric: Metric = "tpr",
    score: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    min_group_size: int = 1,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> WorstGroupGap:
    """Largest difference between two groups in ``metric``.

    Parameters
    ----------
    y, predicted, group, cluster
        As in ``by_group``.
    metric
        ``selection``, ``tpr``, ``fpr``, ``fnr``, ``tnr``, ``ppv``, ``npv``, ``accuracy``, ``prevalence``; or ``auc``
        and ``brier``, which need ``score`` (n,).
    min_group_size
        Groups with fewer cases that the metric rests on are left out, and named in the result.

    The interval: the bootstrap gives one multiple q of the standard errors within which all differences of two groups
    lie together, in ``confidence`` of resamples (studentised maximum; Hall, The Bootstrap and Edgeworth Expansion,
    1992, 4.3); the gap then lies between the largest lower and the largest upper limit. Two groups of 60
    or more are covered in 93 to 97%; several groups, of which only two differ most, and small groups with rates near 0
    or 1 in more. The lower limit is 0 where no pair differs beyond chance. A percentile interval of the gap itself
    could never reach 0.

    Raises ValueError for NaN, wrong shapes, or fewer than two groups with enough cases.
    """
    check_confidence(confidence)
    measure, names = measures_of(
        y, predicted, group, [metric], score, cluster, min_group_size, resamples, seed
    )
    m = measure[0]
    about = m.replicates[np.isfinite(m.replicates).all(axis=1)] - m.centre + m.estimate
    gap = largest_difference(measure, confidence)
    kept = [names[k] for k in m.kept]
    return WorstGroupGap(
        metric=metric,
        gap=gap,
        highest=kept[int(m.estimate.argmax())],
        lowest=kept[int(m.estimate.argmin())],
        bias=float(np.ptp(about, axis=1).mean()) - gap.estimate,
        values=dict(zip(kept, m.estimate.tolist(), strict=True)),
        left_out=tuple(name for k, name in enumerate(names) if k not in m.kept),
    )


def measures_of(
    y: ArrayLike,
    predicted: ArrayLike,
    group: Group,
    metrics: Sequence[Metric],
    score: ArrayLike | None,
    cluster: ArrayLike | None,
    min_group_size: int,
    resamples: int,
    seed: int,
) -> tuple[list[Measured], tuple[str, ...]]:
    """Each metric of the groups, on the same resamples, and the groups' names."""
    labels, called, codes, names, s, clusters = checked_groups(y, predicted, group, score, cluster)
    found = []
    for i, metric in enumerate(metrics):
        # Clusters are drawn alike for every metric; the binomial draws of independent cases must differ.
        own = seed if clusters is not None else seed + i
        one = measured(metric, labels, called, s, codes, clusters, min_group_size, resamples, own)
        if len(one.kept) < 2:
            raise ValueError(
                f"{len(one.kept)} groups have enough cases for {metric}; a gap needs two or more"
            )
        found.append(one)
    return found, names


def largest_difference(measures: list[Measured], confidence: float, *, logs: bool = False) -> Interval:
    """Largest absolute difference of two groups over all ``measures``, with simultaneous limits.

    With ``logs`` the differences are of logarithms of the rates, half a case added, and the estimate is the ratio
    lowest over highest of the rates themselves.
    """
    whole = np.logical_and.reduce([np.isfinite(m.replicates).all(axis=1) for m in measures])
    sizes, errors, deviations = [], [], []
    for m in measures:
        i, j = np.triu_indices(len(m.kept), 1)
        estimate, centre, replicates, least = m.estimate, m.centre, m.replicates[whole], m.least_error
        if logs:
            least = least / _smoothed(estimate, m.whole)
            estimate, centre, replicates = (
                np.log(_smoothed(value, m.whole)) for value in (estimate, centre, replicates)
            )
        difference = estimate[i] - estimate[j]
        drawn = (replicates - centre)[:, i] - (replicates - centre)[:, j]
        error = np.maximum(drawn.std(axis=0), np.hypot(least[i], least[j]))
        error = np.maximum(error, 1e-12)
        sizes.append(np.abs(difference))
        errors.append(error)
        deviations.append(np.abs(drawn) / error)
    q = float(np.quantile(np.concatenate(deviations, axis=1).max(axis=1), confidence))
    q = max(q, float(ndtri(0.5 + confidence / 2)))  # replicates that hardly vary must not narrow the interval
    size, error = np.concatenate(sizes), np.concatenate(errors)
    low, high = max(0.0, float((size - q * error).max())), float((size + q * error).max())
    n = int(max(m.whole.sum() for m in measures))
    name = "bootstrap, studentised maximum over pairs"
    if not logs:
        estimate_of = max(float(np.ptp(m.estimate)) for m in measures)
        return Interval(estimate_of, low, min(1.0, high), confidence, name, n)
    if any(m.estimate.max() == 0 for m in measures):
        raise ValueError("the rate is 0 in every group; a ratio does not exist")
    ratio = min(float(m.estimate.min() / m.estimate.max()) for m in measures)
    limits = min(ratio, float(np.exp(-high))), max(ratio, float(np.exp(-low)))
    return Interval(ratio, *limits, confidence, f"{name}, log scale", n)


def _smoothed(rate: Floats, whole: Floats) -> Floats:
    smoothed: Floats = (rate * whole + 0.5) / (whole + 1)
    return smoothed
