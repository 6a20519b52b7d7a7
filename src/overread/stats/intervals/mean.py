"""Intervals of a mean and of a pooled ratio over cases or clusters: bootstrap, and for few cases what covers."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import as_floats, as_groups, check_confidence, same_length
from overread.stats.bootstrap import defined, limits, resample_counts, resampling_name
from overread.stats.interval import Interval
from overread.stats.intervals.few import FEW, bounded_mean_ci, student_mean_ci
from overread.stats.intervals.proportion import binomial_limits, effective_size, proportion_ci


def mean_ci(
    values: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    method: Literal["auto", "percentile", "bca"] = "auto",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Interval of a mean, such as the mean Dice over cases.

    Parameters
    ----------
    values
        (n,), one value per case.
    cluster
        (n,), the patient of each case: whole patients are drawn, each with all their cases.
    method
        ``bca`` and ``percentile`` are bootstraps, which cover too little of few cases (95% nominal: 48% of two, 80% of
        four, 90% of ten). ``auto`` is ``bca`` from 15 cases (clusters) on; of fewer, with ``bounds`` it is
        ``bounded_mean_ci``, which covers always, and without them Student's t from five on.
    bounds
        Limits that the values cannot leave. Where all n cases (clusters) agree, no resample differs; the
        interval then reaches as far towards each bound as the mean would if the share of cases that lie at
        that bound were the upper Wilson limit of 0 in n. Six cases of Dice 0 so give what Wilson gives for
        0 of 6. One single case gives the bounds themselves, which is all that one case can say.

    Without ``bounds``, values that all agree give an interval without width, whose method says so; a single
    case is an error. Of few patients with several cases each the betting limits are those of the patients' means.

    Raises ValueError for no value, NaN, a value outside ``bounds``, or without ``bounds`` a single unit or, with
    ``auto``, fewer than five.
    """
    check_confidence(confidence)
    x = as_floats(values, "values")
    codes = as_groups(cluster, len(x))
    if bounds is not None and (x.min() < bounds[0] - 1e-9 or x.max() > bounds[1] + 1e-9):
        raise ValueError(
            f"values range from {x.min():g} to {x.max():g}, expected {bounds[0]:g} to {bounds[1]:g}"
        )
    total, size = (x, np.ones_like(x)) if codes is None else (np.bincount(codes, x), np.bincount(codes) * 1.0)
    units, estimate = len(total), float(x.mean())
    name = resampling_name(codes)
    if units == 1:
        if bounds is None:
            raise ValueError("one case (or one cluster) has no interval; expected two or more")
        return Interval(estimate, *bounds, confidence, "one case: full range", 1)
    if np.ptp(x) == 0:
        estimate = float(x[0])
        if bounds is None:
            return Interval(estimate, estimate, estimate, confidence, f"{name}, all values equal", units)
        share = proportion_ci(0, units, method="wilson", confidence=confidence).high
        low = estimate - (estimate - bounds[0]) * share
        high = estimate + (bounds[1] - estimate) * share
        return Interval(
            estimate, low, high, confidence, "all values equal: Wilson share at the bounds", units
        )
    if method == "auto":
        if units < FEW and bounds is None:
            return student_mean_ci((total - estimate * size) / size.sum(), estimate, confidence)
        if units < FEW and bounds is not None:
            found = bounded_mean_ci(total / size, bounds, confidence)
            low, high = min(found.low, estimate), max(found.high, estimate)
            return Interval(estimate, low, high, confidence, found.method, units)
        method = "bca"
    replicates = np.concatenate([(c @ total) / (c @ size) for c in resample_counts(units, resamples, seed)])
    jackknife = (total.sum() - total) / (size.sum() - size)
    return limits(
        estimate, replicates, method=method, confidence=confidence, n=units, jackknife=jackknife, name=name
    )


def ratio_ci(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    method: Literal["auto", "percentile", "bca"] = "auto",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Interval of a pooled share, ``numerator.sum() / denominator.sum()``, such as lesions found.

    ``numerator`` and ``denominator`` (n,) are of each case, 0 <= numerator <= denominator; cases, or whole
    clusters (n,), are drawn. Where the share is 0 or 1 no resample differs: the limits are Wilson's, with the
    cases (clusters) whose ``denominator`` is above 0 as the units.
    Resamples with nothing to take a share of are set aside. ``auto`` is ``percentile`` from 15 cases (clusters) on; of
    fewer Wilson's limits for the effective number of independent ones (Korn and Graubard, see ``rate_ci``).

    Raises ValueError for NaN, a numerator outside 0 to its denominator, nothing to take a share of, or a
    single unit.
    """
    check_confidence(confidence)
    p, w = as_floats(numerator, "numerator"), as_floats(denominator, "denominator")
    same_length(len(p), w, "denominator")
    if (p < 0).any() or (p > w).any():
        raise ValueError("numerator must lie between 0 and denominator in every case")
    if w.sum() == 0:
        raise ValueError("denominator is 0 in every case: there is nothing to take a share of")
    codes = as_groups(cluster, len(p))
    name = resampling_name(codes)
    if codes is not None:
        p, w = np.bincount(codes, p).astype(np.float64), np.bincount(codes, w).astype(np.float64)
    estimate = float(p.sum() / w.sum())
    if estimate in (0.0, 1.0):
        units = int(np.count_nonzero(w))
        return proportion_ci(units if estimate else 0, units, method="wilson", confidence=confidence)
    if len(p) < 2:
        return Interval(estimate, 0.0, 1.0, confidence, "one case: full range", 1)
    if method == "auto" and len(p) < FEW:
        worth = effective_size(estimate, p - estimate * w, float(w.sum()), confidence)
        low, high = binomial_limits(estimate * worth, worth, "wilson", confidence)
        return Interval(estimate, low, high, confidence, "Wilson, Korn-Graubard for clusters", len(p))
    method = "percentile" if method == "auto" else method
    replicates = []
    for counts in resample_counts(len(p), resamples, seed):
        size = counts @ w
        replicates.append(np.divide(counts @ p, size, out=np.full(len(size), np.nan), where=size > 0))
    jackknife = None
    if method == "bca":
        rest = w.sum() - w
        jackknife = (p.sum() - p)[rest > 0] / rest[rest > 0]
    return limits(
        estimate,
        defined(np.concatenate(replicates)),
        method=method,
        confidence=confidence,
        n=len(p),
        jackknife=jackknife,
        name=name,
    )
