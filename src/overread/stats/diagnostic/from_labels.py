"""The measures of a 2x2 table from labels, for independent cases or patients with several images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from overread.stats.arrays import (
    Bools,
    Floats,
    as_binary,
    as_groups,
    check_confidence,
    group_count,
    same_length,
)
from overread.stats.diagnostic.table import (
    DiagnosticAccuracy,
    diagnostic_accuracy,
    needed_to_diagnose,
    youden,
)
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci
from overread.stats.intervals.proportion import ProportionMethod


def diagnostic_accuracy_from_labels(
    y: ArrayLike,
    predicted: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    method: ProportionMethod = "wilson",
    confidence: float = 0.95,
) -> DiagnosticAccuracy:
    """``diagnostic_accuracy`` of labels ``y`` (n,) and calls ``predicted`` (n,), both 0 and 1.

    With ``cluster`` (n,), such as the patient of each image, proportions are those of ``rate_ci``; likelihood
    ratios and the odds ratio have a delta-method variance on the log scale from sums over clusters (Genders et al.,
    Radiology 2012;265:910, their ratio estimator) with Student's t of clusters - 1 degrees of freedom.

    Raises ValueError for NaN, wrong shapes, one class only, or fewer than two clusters.
    """
    labels, called = as_binary(y), as_binary(predicted, "predicted", both=False)
    same_length(len(labels), called, "predicted")
    codes = as_groups(cluster, len(labels))
    cells = [labels & called, ~labels & called, labels & ~called, ~labels & ~called]
    if codes is None or group_count(codes) == len(labels):
        tp, fp, fn, tn = (int(cell.sum()) for cell in cells)
        return diagnostic_accuracy(tp, fp, fn, tn, method=method, confidence=confidence)
    check_confidence(confidence)
    units = group_count(codes)
    if units < 2:
        raise ValueError("one cluster has no interval; expected two or more")

    def rate(right: Bools, among: Bools) -> Interval:
        return rate_ci(right[among], cluster=codes[among], method=method, confidence=confidence)

    every = np.ones_like(labels)
    sensitivity, specificity = rate(called, labels), rate(~called, ~labels)
    a, b, c, d = np.array([np.bincount(codes, cell, units) for cell in cells])
    empty = 0 in (a.sum(), b.sum(), c.sum(), d.sum())
    added = 0.5 / units if empty else 0.0
    a, b, c, d = a + added, b + added, c + added, d + added
    t = float(stdtrit(units - 1, 0.5 + confidence / 2))
    note = ", 0.5 added to each cell" if empty else ""

    def ratio(estimate: float, influence: Floats) -> Interval:
        factor = float(np.exp(t * np.sqrt(units / (units - 1) * np.sum(influence**2))))
        method = f"log method, clusters{note}"
        return Interval(estimate, estimate / factor, estimate * factor, confidence, method, units)

    of_se = _influence(a, a + c)
    of_sp = _influence(d, b + d)
    se, sp = a.sum() / (a + c).sum(), d.sum() / (b + d).sum()
    spread = np.sqrt(np.sum(of_se**2) * np.sum(of_sp**2))
    index = youden(
        sensitivity,
        specificity,
        method,
        units,
        correlation=float(np.sum(of_se * of_sp) / spread) if spread > 0 else 0.0,
    )
    return DiagnosticAccuracy(
        sensitivity=sensitivity,
        specificity=specificity,
        ppv=rate(labels, called) if called.any() else None,
        npv=rate(~labels, ~called) if not called.all() else None,
        accuracy=rate(labels == called, every),
        positive_likelihood_ratio=ratio(float(se / (1 - sp)), of_se / se + of_sp / (1 - sp)),
        negative_likelihood_ratio=ratio(float((1 - se) / sp), -of_se / (1 - se) - of_sp / sp),
        diagnostic_odds_ratio=ratio(
            float(se * sp / ((1 - se) * (1 - sp))), of_se / (se * (1 - se)) + of_sp / (sp * (1 - sp))
        ),
        youden=index,
        prevalence=rate(labels, every),
        apparent_prevalence=rate(called, every),
        number_needed_to_diagnose=needed_to_diagnose(index),
    )


def _influence(part: Floats, whole: Floats) -> Floats:
    """How much each cluster moves the ratio of the two sums."""
    share = part.sum() / whole.sum()
    moved: Floats = (part - share * whole) / whole.sum()
    return moved
