"""Diagnostic accuracy: the 2x2 table, and tables of several classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from overread.stats.arrays import Ints, as_classes, as_groups, check_confidence, same_length
from overread.stats.bootstrap import defined, limits, resample_counts
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci


@dataclass(frozen=True)
class DiagnosticAccuracy:
    """What a 2x2 table says. ``ppv`` is None where nothing was called positive, ``npv`` where all was."""

    sensitivity: Interval
    specificity: Interval
    ppv: Interval | None
    npv: Interval | None
    accuracy: Interval
    positive_likelihood_ratio: Interval
    negative_likelihood_ratio: Interval
    diagnostic_odds_ratio: Interval
    youden: Interval


def diagnostic_accuracy(
    tp: int,
    fp: int,
    fn: int,
    tn: int,
    method: Literal["wilson", "exact"] = "wilson",
    confidence: float = 0.95,
) -> DiagnosticAccuracy:
    """Measures of a 2x2 table with intervals.

    Proportions by ``method`` (see ``proportion_ci``). Likelihood ratios on the log scale (Simel et al.,
    J Clin Epidemiol 1991;44:763), the diagnostic odds ratio likewise (Woolf, Ann Hum Genet 1955;19:251);
    with an empty cell 0.5 is added to every cell of these three and their method says so. Youden's index:
    with ``wilson`` Newcombe's hybrid score limits (Stat Med 1998;17:873, method 10), with ``exact`` the sums
    of the exact limits, which are conservative.

    Raises ValueError for counts that are negative or not whole, and where there is no positive or no
    negative case.
    """
    check_confidence(confidence)
    for name, count in (("tp", tp), ("fp", fp), ("fn", fn), ("tn", tn)):
        if int(count) != count or count < 0:
            raise ValueError(f"{name} is {count}, expected a whole number, 0 or more")
    if tp + fn == 0 or fp + tn == 0:
        raise ValueError(f"{tp + fn} positive and {fp + tn} negative cases; expected at least one of each")
    n = int(tp + fp + fn + tn)

    def proportion(successes: int, total: int) -> Interval:
        return proportion_ci(successes, total, method, confidence)

    sensitivity, specificity = proportion(tp, tp + fn), proportion(tn, fp + tn)
    empty = 0 in (tp, fp, fn, tn)
    a, b, c, d = (count + 0.5 if empty else float(count) for count in (tp, fp, fn, tn))
    z, note = float(ndtri(0.5 + confidence / 2)), ", 0.5 added to each cell" if empty else ""

    def ratio(estimate: float, variance: float) -> Interval:
        factor = np.exp(z * np.sqrt(variance))
        low, high = float(estimate / factor), float(estimate * factor)
        return Interval(estimate, low, high, confidence, f"log method{note}", n)

    positives, negatives = a + c, b + d
    return DiagnosticAccuracy(
        sensitivity=sensitivity,
        specificity=specificity,
        ppv=proportion(tp, tp + fp) if tp + fp else None,
        npv=proportion(tn, fn + tn) if fn + tn else None,
        accuracy=proportion(tp + tn, n),
        positive_likelihood_ratio=ratio(
            (a / positives) / (b / negatives), 1 / a - 1 / positives + 1 / b - 1 / negatives
        ),
        negative_likelihood_ratio=ratio(
            (c / positives) / (d / negatives), 1 / c - 1 / positives + 1 / d - 1 / negatives
        ),
        diagnostic_odds_ratio=ratio(a * d / (b * c), 1 / a + 1 / b + 1 / c + 1 / d),
        youden=_youden(sensitivity, specificity, method, n),
    )


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, classes: int | None = None) -> Ints:
    """Counts (k, k): rows are the true class, columns the predicted one, both (n,) indices from 0."""
    t, p = as_classes(truth, "truth", classes), as_classes(predicted, "predicted", classes)
    same_length(len(t), p, "predicted")
    k = classes or int(max(t.max(), p.max())) + 1
    matrix: Ints = np.bincount(t * k + p, minlength=k * k).reshape(k, k)
    return matrix


def accuracy(truth: ArrayLike, predicted: ArrayLike, confidence: float = 0.95) -> Interval:
    """Share of cases whose class (n,) is predicted, with Wilson limits."""
    matrix = confusion_matrix(truth, predicted)
    return proportion_ci(int(np.trace(matrix)), int(matrix.sum()), "wilson", confidence)


def balanced_accuracy(
    truth: ArrayLike,
    predicted: ArrayLike,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean over the true classes of the share that is predicted, with a percentile bootstrap interval.

    Cases are resampled within classes; with ``cluster`` (n,) whole clusters are, and resamples that lose a
    class are set aside. Raises ValueError where most resamples do.
    """
    check_confidence(confidence)
    t, p = as_classes(truth, "truth"), as_classes(predicted, "predicted")
    same_length(len(t), p, "predicted")
    codes = as_groups(cluster, len(t))
    of_class = (t[:, None] == np.unique(t)).astype(np.float64)
    right = of_class * (t == p)[:, None]
    units = len(t) if codes is None else int(codes.max()) + 1
    rows = np.arange(len(t)) if codes is None else codes
    of_units, right_units = np.zeros((2, units, of_class.shape[1]))
    np.add.at(of_units, rows, of_class)
    np.add.at(right_units, rows, right)
    if units < 2:
        raise ValueError("one case (or one cluster) has no interval; expected two or more")
    replicates = []
    for counts in resample_counts(units, resamples, seed, t if codes is None else None):
        size = counts @ of_units
        recall = np.divide(counts @ right_units, size, out=np.full(size.shape, np.nan), where=size > 0)
        replicates.append(recall.mean(axis=1))
    kept = defined(np.concatenate(replicates))
    estimate = float((right.sum(axis=0) / of_class.sum(axis=0)).mean())
    name = "bootstrap of cases within classes" if codes is None else "bootstrap of clusters"
    return limits(estimate, kept, method="percentile", confidence=confidence, n=units, name=name)


def _youden(sensitivity: Interval, specificity: Interval, method: str, n: int) -> Interval:
    se, sp = sensitivity, specificity
    estimate = se.estimate + sp.estimate - 1
    if method == "exact":
        low, high, name = se.low + sp.low - 1, se.high + sp.high - 1, "sum of Clopper-Pearson limits"
    else:
        low = estimate - float(np.hypot(se.estimate - se.low, sp.estimate - sp.low))
        high = estimate + float(np.hypot(se.high - se.estimate, sp.high - sp.estimate))
        name = "Newcombe"
    return Interval(estimate, low, high, se.confidence, name, n)
