"""Operating points: a threshold chosen by a rule, and what a threshold achieves."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_groups
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci
from overread.stats.roc.curve import checked, roc_curve

_RULE = re.compile(r"\s*(sensitivity|specificity)\s*>=\s*([0-9.]+)\s*")


@dataclass(frozen=True)
class OperatingPointResult:
    """A threshold (positive where score >= threshold), the rule that chose it, and what it achieves."""

    rule: str
    threshold: float
    sensitivity: Interval
    specificity: Interval


def operating_point(
    y: ArrayLike,
    score: ArrayLike,
    *,
    rule: str = "youden",
    confidence: float = 0.95,
    cost_fn: float = 1.0,
    cost_fp: float = 1.0,
    prevalence: float | None = None,
    cluster: ArrayLike | None = None,
) -> OperatingPointResult:
    """Choose a threshold by ``rule`` on tuning cases.

    ``youden``: largest sensitivity + specificity - 1 (Cancer 1950;3:32).
    ``sensitivity>=0.95``: the highest threshold that reaches it. ``specificity>=0.9``: the lowest one.
    ``closest``: nearest to the corner of no error, (1 - sensitivity)^2 + (1 - specificity)^2 least.
    ``cost``: least expected cost, ``cost_fn`` prevalence (1 - sensitivity) + ``cost_fp`` (1 - prevalence)
    (1 - specificity) (Metz, Semin Nucl Med 1978;8:283), at ``prevalence`` or, if None, that of these cases.
    Of equals the more sensitive is taken.

    The threshold lies midway between two neighbouring scores. The intervals (Wilson; with ``cluster`` (n,) of
    the effective number of cases) describe these very cases, on which the threshold was chosen: judge it on
    others with ``operating_point_at``.

    Raises ValueError for an unknown rule, costs below 0 or both 0, a prevalence outside 0 to 1, and as
    ``auc`` does.
    """
    labels, s = checked(y, score)
    curve = roc_curve(labels, s)
    sensitivity, specificity = curve.sensitivity, curve.specificity
    name = str(rule).strip()
    found = _RULE.fullmatch(name)
    if name == "youden":
        index = _best(sensitivity + specificity)
    elif name == "closest":
        index = _best(-((1 - sensitivity) ** 2) - (1 - specificity) ** 2)
    elif name == "cost":
        if min(cost_fn, cost_fp) < 0 or not np.isfinite(cost_fn + cost_fp) or cost_fn == cost_fp == 0:
            raise ValueError(f"costs are {cost_fn} and {cost_fp}, expected 0 or more and not both 0")
        if prevalence is not None and not 0 < prevalence < 1:
            raise ValueError(f"prevalence is {prevalence}, expected a number between 0 and 1")
        share = float(labels.mean()) if prevalence is None else prevalence
        cost = cost_fn * share * (1 - sensitivity) + cost_fp * (1 - share) * (1 - specificity)
        index = _best(-cost / (cost_fn + cost_fp))
    elif found and _number(found[2]) is not None and 0 <= float(found[2]) <= 1:
        goal = float(found[2]) - 1e-12
        if found[1] == "sensitivity":
            index = int(np.flatnonzero(sensitivity >= goal)[0])
        else:
            index = int(np.flatnonzero(specificity >= goal)[-1])
    else:
        raise ValueError(
            f"rule is {rule!r}, expected 'youden', 'closest', 'cost', 'sensitivity>=0.95' or 'specificity>=0.9'"
        )
    threshold = _between(curve.thresholds, index)
    return replace(
        operating_point_at(labels, s, threshold=threshold, confidence=confidence, cluster=cluster), rule=rule
    )


def operating_point_at(
    y: ArrayLike,
    score: ArrayLike,
    *,
    threshold: float,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
) -> OperatingPointResult:
    """Sensitivity and specificity (Wilson) of a threshold that was fixed before, on these cases.

    With ``cluster`` (n,), such as the patient of each image, the cases count as the effective number of
    independent ones (``rate_ci``).
    """
    labels, s = checked(y, score)
    limit = np.asarray(threshold)
    if limit.ndim or limit.dtype.kind not in "biuf" or np.isnan(limit):
        raise ValueError(f"threshold is {threshold}, expected a number")
    called = s >= limit
    codes = as_groups(cluster, len(labels))

    def rate(right: Bools, kind: Bools) -> Interval:
        return rate_ci(
            right[kind],
            cluster=None if codes is None else codes[kind],
            method="wilson",
            confidence=confidence,
        )

    return OperatingPointResult("fixed", float(threshold), rate(called, labels), rate(~called, ~labels))


def _best(gain: Floats) -> int:
    """The last, most sensitive, of the points with the largest gain."""
    return int(np.flatnonzero(gain >= gain.max() - 1e-12)[-1])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _between(thresholds: Floats, index: int) -> float:
    """A threshold with the decisions of ``thresholds[index]``, away from any score where there is room."""
    upper = float(thresholds[index])
    if np.isinf(upper):
        return float(np.nextafter(thresholds[1], np.inf))
    if index == len(thresholds) - 1:
        return upper
    lower = float(thresholds[index + 1])
    middle = lower + (upper - lower) / 2
    return middle if lower < middle <= upper else upper
