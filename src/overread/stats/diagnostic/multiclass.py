"""Tables of several classes: the confusion matrix, each class against the rest, and averages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import (
    Bools,
    Floats,
    Ints,
    as_classes,
    as_count,
    as_groups,
    check_confidence,
    group_count,
    same_length,
    unit_count,
)
from overread.stats.bootstrap import defined, limits, resample_counts, resampling_name
from overread.stats.diagnostic.rates import ClassRates, MeanRates, class_rates, mean_rates, named
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci
from overread.stats.intervals.proportion import ProportionMethod


@dataclass(frozen=True)
class MulticlassTable:
    """A confusion matrix (k, k), rows the true class, with the measures of each class and their averages.

    ``macro``: mean over classes. ``weighted``: mean over classes weighted by their number of cases. ``micro``:
    all one-against-rest decisions pooled; its sensitivity, PPV and F1 are the accuracy.
    """

    matrix: Ints
    classes: tuple[ClassRates, ...]
    accuracy: Interval
    macro: MeanRates
    micro: MeanRates
    weighted: MeanRates


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, *, classes: int | None = None) -> Ints:
    """Counts (k, k): rows are the true class, columns the predicted one, both (n,) indices from 0."""
    t, p = as_classes(truth, "truth", classes=classes), as_classes(predicted, "predicted", classes=classes)
    same_length(len(t), p, "predicted")
    k = classes or int(max(t.max(), p.max())) + 1
    matrix: Ints = np.bincount(t * k + p, minlength=k * k).reshape(k, k)
    return matrix


def accuracy(
    truth: ArrayLike, predicted: ArrayLike, *, confidence: float = 0.95, cluster: ArrayLike | None = None
) -> Interval:
    """Share of cases whose class (n,) is predicted, with Wilson limits; ``cluster`` as in ``rate_ci``."""
    t, p = as_classes(truth, "truth"), as_classes(predicted, "predicted")
    same_length(len(t), p, "predicted")
    return rate_ci(t == p, cluster=cluster, method="wilson", confidence=confidence)


def balanced_accuracy(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
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
    matrix = confusion_matrix(truth, predicted)
    t, p = as_classes(truth, "truth"), as_classes(predicted, "predicted")
    codes = as_groups(cluster, len(t))
    units = unit_count(codes, len(t))
    if units < 2:
        raise ValueError("one case (or one cluster) has no interval; expected two or more")
    there = matrix.sum(axis=1) > 0
    recall = _recall(confusion_replicates(t, p, len(matrix), codes, resamples, seed), there)
    estimate = float(_recall(matrix[None].astype(np.float64), there)[0])
    name = resampling_name(codes, within_classes=True)
    kept = defined(recall)
    return limits(estimate, kept, method="percentile", confidence=confidence, n=units, name=name)


def multiclass_table(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    classes: int | None = None,
    labels: Sequence[str] | None = None,
    cluster: ArrayLike | None = None,
    method: ProportionMethod = "wilson",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> MulticlassTable:
    """Every class against the rest, and averages over classes, with intervals.

    Parameters
    ----------
    truth, predicted
        (n,), class indices from 0.
    labels
        Names of the classes; their indices where not given.
    cluster
        (n,), such as the patient of each image.

    Rates of one class have the limits of ``rate_ci`` by ``method``. F1 = 2J / (1 + J) has those of
    J = tp / (tp + fp + fn), the share of true positives among all cases that are not true negatives. Averages have
    percentile limits of a bootstrap, of cases within true classes, or of whole clusters (resamples that lose
    a class are set aside). A class never predicted has no PPV, and counts 0 in the averages of it; a class
    without a case counts in no average of sensitivity.

    Raises ValueError for NaN, wrong shapes, or a single case or cluster.
    """
    check_confidence(confidence)
    matrix = confusion_matrix(truth, predicted, classes=classes)
    t, p = as_classes(truth, "truth"), as_classes(predicted, "predicted")
    codes = as_groups(cluster, len(t))
    k = len(matrix)
    names = named(labels, k, "classes")
    units = unit_count(codes, len(t))
    if units < 2:
        raise ValueError("one case (or one cluster) has no interval; expected two or more")
    rows = [class_rates(names[c], t == c, p == c, codes, method, confidence) for c in range(k)]
    replicates = confusion_replicates(t, p, k, codes, resamples, seed)
    name = resampling_name(codes, within_classes=True)
    means = mean_rates(_cells(matrix[None].astype(np.float64)), _cells(replicates), units, confidence, name)
    return MulticlassTable(
        matrix, tuple(rows), rate_ci(t == p, cluster=codes, method=method, confidence=confidence), *means
    )


def _cells(matrices: Floats) -> Floats:
    """True and false positives, false and true negatives of each class, (4, b, k), from (b, k, k)."""
    tp = np.diagonal(matrices, axis1=1, axis2=2)
    real, called = matrices.sum(axis=2), matrices.sum(axis=1)
    tn = real.sum(axis=1, keepdims=True) - real - called + tp
    return np.stack([tp, called - tp, real - tp, tn])


def confusion_replicates(
    truth: Ints, predicted: Ints, k: int, codes: Ints | None, resamples: int, seed: int
) -> Floats:
    """Confusion matrices (resamples, k, k) of bootstrap samples: of cases within true classes, or of clusters.

    Drawing cases of one class with replacement is drawing its row of the matrix from a multinomial.
    """
    cell = truth * k + predicted
    resamples = as_count(resamples, "resamples", least=1)
    if codes is None:
        matrix = np.bincount(cell, minlength=k * k).reshape(k, k)
        generator = np.random.default_rng(seed)
        out = np.zeros((resamples, k, k))
        for c, row in enumerate(matrix):
            if row.sum():
                out[:, c] = generator.multinomial(row.sum(), row / row.sum(), resamples)
        return out
    units = group_count(codes)
    table = (
        np.bincount(codes * k * k + cell, minlength=units * k * k).reshape(units, k * k).astype(np.float64)
    )
    blocks = resample_counts(units, resamples, seed, rows_of_data=units + k * k)
    return np.concatenate([counts @ table for counts in blocks]).reshape(-1, k, k)


def _recall(matrices: Floats, there: Bools) -> Floats:
    """Mean recall (b,) of the classes that are ``there`` (k,), NaN where a resample lost one."""
    size = matrices.sum(axis=2)[:, there]
    right = np.diagonal(matrices, axis1=1, axis2=2)[:, there]
    shares = np.divide(right, size, out=np.full(size.shape, np.nan), where=size > 0)
    mean: Floats = shares.mean(axis=1)
    return mean
