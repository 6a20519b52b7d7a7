"""ROC curve, its area, operating points. Higher scores speak for class 1; positive is score >= threshold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri
from scipy.stats import rankdata

from overread.stats.arrays import (
    Bools,
    Floats,
    Ints,
    as_binary,
    as_classes,
    as_floats,
    as_groups,
    check_confidence,
    same_length,
)
from overread.stats.bootstrap import defined, limits, resample_counts
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci

_RULE = re.compile(r"\s*(sensitivity|specificity)\s*>=\s*([0-9.]+)\s*")


@dataclass(frozen=True)
class RocCurve:
    """Points of the ROC curve, from (0, 0) to (1, 1), one per distinct score.

    ``thresholds`` (m,) fall; the first is infinity (nothing positive). ``sensitivity`` (m,) and
    ``false_positive_rate`` (m,) rise.
    """

    thresholds: Floats
    sensitivity: Floats
    false_positive_rate: Floats


@dataclass(frozen=True)
class OperatingPointResult:
    """A threshold (positive where score >= threshold), the rule that chose it, and what it achieves."""

    rule: str
    threshold: float
    sensitivity: Interval
    specificity: Interval


def roc_curve(y: ArrayLike, score: ArrayLike) -> RocCurve:
    """Empirical ROC curve of labels (n,) in {0, 1} and scores (n,); equal scores make one point."""
    labels, s = _checked(y, score)
    order = np.argsort(-s, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(s[order])), len(s) - 1)
    positives = np.cumsum(labels[order])[ends]
    return RocCurve(
        np.concatenate([[np.inf], s[order][ends]]),
        np.concatenate([[0.0], positives / labels.sum()]),
        np.concatenate([[0.0], (ends + 1 - positives) / (~labels).sum()]),
    )


def auc(
    y: ArrayLike,
    score: ArrayLike,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
    method: Literal["logit", "plain"] = "logit",
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Independent cases: DeLong's variance (Biometrics 1988;44:837) from mid-ranks in O(n log n) (Sun and Xu,
    IEEE Signal Process Lett 2014;21:1389), with limits on the ``logit`` scale (Pepe 2003, 5.2) or ``plain``
    and cut to 0 and 1. Where that variance is zero or undefined (perfect separation, one case of a class)
    limits are Newcombe's (Stat Med 2006;25:559, method 5), which stay informative there.

    With ``cluster`` (n,), such as the patient of each image: percentile bootstrap of whole clusters, in
    strata by the classes that a cluster holds so that no resample loses a class.

    Raises ValueError for NaN, wrong shapes, or one class only.
    """
    check_confidence(confidence)
    if method not in ("logit", "plain"):
        raise ValueError(f"method is {method!r}, expected 'logit' or 'plain'")
    labels, s = _checked(y, score)
    codes = as_groups(cluster, len(labels))
    if codes is not None:
        return _clustered(labels, s, codes, confidence, resamples, seed)
    m, n = int(labels.sum()), int((~labels).sum())
    area, variance = _delong(labels, s)
    z = float(ndtri(0.5 + confidence / 2))
    error = np.sqrt(variance)
    if m < 2 or n < 2 or variance < 1e-20 or area in (0.0, 1.0):
        low, high = _newcombe(area, m, n, z)
        return Interval(area, low, high, confidence, "Newcombe", m + n)
    if method == "plain":
        return Interval(
            area, max(0.0, area - z * error), min(1.0, area + z * error), confidence, "DeLong", m + n
        )
    centre, half = logit(area), z * error / (area * (1 - area))
    low, high = float(expit(centre - half)), float(expit(centre + half))
    return Interval(area, low, high, confidence, "DeLong, logit scale", m + n)


def auc_macro(
    y: ArrayLike,
    prob: ArrayLike,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean over classes of the one-versus-rest AUC, with a percentile bootstrap interval.

    ``y`` (n,) class indices, ``prob`` (n, k) probability or score of each class. Cases are resampled within
    classes; with ``cluster`` (n,) whole clusters are, and resamples that lose a class are set aside.

    Raises ValueError for NaN, wrong shapes, a class without a case, or classes in so few clusters that most
    resamples lose one.
    """
    check_confidence(confidence)
    p = as_floats(prob, "prob", 2)
    truth = as_classes(y, "y", p.shape[1])
    same_length(len(truth), p, "prob")
    _every_class(truth, p.shape[1])
    onehot = truth[:, None] == np.arange(p.shape[1])
    codes = as_groups(cluster, len(truth))
    areas = [_delong(onehot[:, k], p[:, k])[0] for k in range(p.shape[1])]
    columns = [_WeightedAuc(onehot[:, k], p[:, k]) for k in range(p.shape[1])]
    units = len(truth) if codes is None else int(codes.max()) + 1
    blocks = resample_counts(units, resamples, seed, truth if codes is None else None, len(truth))
    replicates = []
    for counts in blocks:
        weights = counts if codes is None else counts[:, codes]
        replicates.append(np.mean([column(weights) for column in columns], axis=0))
    kept = defined(np.concatenate(replicates))
    name = "bootstrap of cases within classes" if codes is None else "bootstrap of clusters"
    return limits(float(np.mean(areas)), kept, method="percentile", confidence=confidence, n=units, name=name)


def operating_point(
    y: ArrayLike, score: ArrayLike, rule: str = "youden", confidence: float = 0.95
) -> OperatingPointResult:
    """Choose a threshold by ``rule`` on tuning cases.

    ``youden``: largest sensitivity + specificity - 1, the more sensitive of equals (Cancer 1950;3:32).
    ``sensitivity>=0.95``: the highest threshold that reaches it. ``specificity>=0.9``: the lowest one.
    The threshold lies midway between two neighbouring scores. The intervals (Wilson) describe these very
    cases, on which the threshold was chosen: judge it on others with ``operating_point_at``.

    Raises ValueError for an unknown rule and as ``auc`` does.
    """
    labels, s = _checked(y, score)
    curve = roc_curve(labels, s)
    specificity = 1 - curve.false_positive_rate
    found = _RULE.fullmatch(rule)
    if rule.strip() == "youden":
        gain = curve.sensitivity + specificity
        index = int(np.flatnonzero(gain >= gain.max() - 1e-12)[-1])
    elif found and 0 <= float(found[2]) <= 1:
        goal = float(found[2]) - 1e-12
        if found[1] == "sensitivity":
            index = int(np.flatnonzero(curve.sensitivity >= goal)[0])
        else:
            index = int(np.flatnonzero(specificity >= goal)[-1])
    else:
        raise ValueError(f"rule is {rule!r}, expected 'youden', 'sensitivity>=0.95' or 'specificity>=0.9'")
    result = operating_point_at(labels, s, _between(curve.thresholds, index), confidence)
    return OperatingPointResult(rule, result.threshold, result.sensitivity, result.specificity)


def operating_point_at(
    y: ArrayLike, score: ArrayLike, threshold: float, confidence: float = 0.95
) -> OperatingPointResult:
    """Sensitivity and specificity (Wilson) of a threshold that was fixed before, on these cases."""
    labels, s = _checked(y, score)
    called = s >= threshold
    return OperatingPointResult(
        "fixed",
        float(threshold),
        proportion_ci(int((called & labels).sum()), int(labels.sum()), "wilson", confidence),
        proportion_ci(int((~called & ~labels).sum()), int((~labels).sum()), "wilson", confidence),
    )


def _checked(y: ArrayLike, score: ArrayLike) -> tuple[Bools, Floats]:
    labels, s = as_binary(y), as_floats(score, "score")
    same_length(len(labels), s, "score")
    return labels, s


def _every_class(truth: Ints, classes: int) -> None:
    for k, count in enumerate(np.bincount(truth, minlength=classes)):
        if count == 0 or count == len(truth):
            raise ValueError(f"class {k} has {count} of {len(truth)} cases; expected cases of every class")


def _delong(labels: Bools, s: Floats) -> tuple[float, float]:
    """Area and DeLong variance; the variance is NaN with fewer than two cases of a class."""
    x, y = s[labels], s[~labels]
    m, n = len(x), len(y)
    ranks = rankdata(np.concatenate([x, y]))
    v10 = (ranks[:m] - rankdata(x)) / n
    v01 = 1 - (ranks[m:] - rankdata(y)) / m
    area = min(1.0, max(0.0, float(v10.mean())))
    if m < 2 or n < 2:
        return area, float("nan")
    return area, float(v10.var(ddof=1) / m + v01.var(ddof=1) / n)


def _newcombe(area: float, m: int, n: int, z: float) -> tuple[float, float]:
    mean_size = (m + n) / 2 - 1

    def excess(theta: float) -> float:
        spread = 1 + mean_size * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return float((theta - area) ** 2 - z * z * theta * (1 - theta) * spread / (m * n))

    low = 0.0 if area <= 0 else float(brentq(excess, 0.0, area - 1e-15)) if excess(area - 1e-15) < 0 else area
    high = (
        1.0 if area >= 1 else float(brentq(excess, area + 1e-15, 1.0)) if excess(area + 1e-15) < 0 else area
    )
    return low, high


class _WeightedAuc:
    """AUC of many weightings of the same scored cases, sorted once; equal scores are grouped."""

    def __init__(self, labels: Bools, s: Floats) -> None:
        self.order = np.argsort(s, kind="stable")
        self.positive = labels[self.order]
        self.starts = np.append(0, np.flatnonzero(np.diff(s[self.order])) + 1)
        self.ties = len(self.starts) < len(s)

    def __call__(self, weights: Floats) -> Floats:
        """``weights`` (b, n); returns (b,), NaN where a class has no weight."""
        w = weights[:, self.order]
        pos, neg = w * self.positive, w * ~self.positive
        if self.ties:
            pos, neg = np.add.reduceat(pos, self.starts, axis=1), np.add.reduceat(neg, self.starts, axis=1)
        below = np.cumsum(neg, axis=1)
        total = pos.sum(axis=1) * below[:, -1]
        won = np.einsum("ij,ij->i", pos, below - neg / 2)
        return np.divide(won, total, out=np.full(len(w), np.nan), where=total > 0)


def _clustered(
    labels: Bools, s: Floats, codes: Ints, confidence: float, resamples: int, seed: int
) -> Interval:
    positives, sizes = np.bincount(codes, labels), np.bincount(codes)
    if len(sizes) < 2:
        raise ValueError("one cluster has no interval; expected two or more")
    strata = (positives > 0).astype(np.int64) + 2 * (positives < sizes)
    weighted = _WeightedAuc(labels, s)
    blocks = resample_counts(len(sizes), resamples, seed, strata, len(s))
    replicates = np.concatenate([weighted(counts[:, codes]) for counts in blocks])
    area = _delong(labels, s)[0]
    return limits(
        area,
        replicates,
        method="percentile",
        confidence=confidence,
        n=len(sizes),
        name="bootstrap of clusters",
    )


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
