"""The Brier score, its skill, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.sparse import csr_array, hstack

from overread.stats.arrays import (
    Bools,
    Floats,
    as_groups,
    as_probabilities,
    check_confidence,
    group_count,
    same_length,
)
from overread.stats.bootstrap import resampling_name
from overread.stats.calibration.inputs import Binning, bin_edges, bin_of, binary, case_weights, classes
from overread.stats.calibration.resample import bootstrap_of_sums
from overread.stats.interval import Interval
from overread.stats.intervals import bootstrap_weighted_ci, mean_ci


@dataclass(frozen=True)
class BrierDecomposition:
    """Brier = reliability - resolution + uncertainty + within_bin.

    ``reliability`` (0 is perfect calibration) and ``resolution`` (large is good) with intervals;
    ``uncertainty`` is the variance of the outcome; ``within_bin`` is what binning hides, 0 where each bin
    holds one probability.
    """

    brier: float
    reliability: Interval
    resolution: Interval
    uncertainty: float
    within_bin: float
    bins: int


@dataclass(frozen=True)
class CorpDecomposition:
    """Brier = miscalibration - discrimination + uncertainty, without bins."""

    brier: float
    miscalibration: float
    discrimination: float
    uncertainty: float


def brier(
    y: ArrayLike,
    p: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    weights: ArrayLike | None = None,
) -> Interval:
    """Mean squared error of probabilities (Brier, Mon Weather Rev 1950;78:1), with a bootstrap interval.

    ``y`` (n,) in {0, 1} with ``p`` (n,) of class 1, giving 0 to 1; or class indices with ``p`` (n, k), the
    squared errors summed over the classes, giving 0 to 2. ``weights`` (n,) are sampling weights.
    """
    errors, largest = _squared_errors(y, p)
    if weights is None:
        return mean_ci(
            errors, cluster=cluster, method="bca", confidence=confidence, seed=seed, bounds=(0.0, largest)
        )
    w = case_weights(weights, len(errors))
    return bootstrap_weighted_ci(
        lambda counts: (counts @ (w * errors)) / (counts @ w),
        len(errors),
        cluster=cluster,
        confidence=confidence,
        seed=seed,
    )


def brier_skill_score(
    y: ArrayLike,
    p: ArrayLike,
    *,
    reference: ArrayLike | float | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """1 - Brier / Brier of ``reference``: 1 is perfect, 0 no better; percentile bootstrap interval.

    ``reference`` is another model's probabilities (n,), one probability for all, or None for the share of
    class 1 in these cases (the scaled Brier score, or index of prediction accuracy).

    Raises ValueError for one class only without ``reference``, or a reference without error.
    """
    check_confidence(confidence)
    labels, probability = binary(y, p, both=reference is None)
    n = len(labels)
    error = (probability - labels) ** 2
    codes = as_groups(cluster, n)
    if reference is None:

        def skill(sums: Floats) -> Floats:
            share = sums[:, 1] / sums[:, 2]
            base = share * (1 - share)
            worse: Floats = np.divide(
                sums[:, 0] / sums[:, 2], base, out=np.full(len(sums), np.nan), where=base > 0
            )
            return (1 - worse)[:, None]

        columns = np.column_stack([error, labels, np.ones(n)])
    else:
        other = np.full(n, float(reference)) if np.ndim(reference) == 0 else reference  # type: ignore[arg-type]
        base_probability = as_probabilities(other, "reference")
        same_length(n, base_probability, "reference")
        if (base_probability == labels).all():
            raise ValueError("reference has no error: no skill score exists")

        def skill(sums: Floats) -> Floats:
            base = sums[:, 1]
            worse: Floats = np.divide(sums[:, 0], base, out=np.full(len(sums), np.nan), where=base > 0)
            return (1 - worse)[:, None]

        columns = np.column_stack([error, (base_probability - labels) ** 2])
    return bootstrap_of_sums(
        skill,
        columns,
        codes,
        method="percentile",
        name=resampling_name(codes),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        bounds=(-np.inf, 1.0),
    )[0]


def brier_decomposition(
    y: ArrayLike,
    p: ArrayLike,
    *,
    bins: int | None = None,
    binning: Binning = "equal-width",
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> BrierDecomposition:
    """Reliability, resolution and uncertainty (Murphy, J Appl Meteorol 1973;12:595).

    ``bins`` None takes each distinct probability as a bin, for which the three add up to the Brier score;
    with bins the rest is the variance within them less twice the covariance with the outcome (Stephenson,
    Coelho and Jolliffe, Weather Forecast 2008;23:752). Basic bootstrap intervals, cut at 0, as for ``ece``:
    both parts are biased upwards, the more so the fewer cases a bin holds. Resolution is at most 0.25.
    """
    check_confidence(confidence)
    labels, probability = binary(y, p)
    n = len(labels)
    if bins is None:
        index = np.unique(probability, return_inverse=True)[1]
    else:
        edges = bin_edges(probability, bins, "equal-mass" if binning == "quantile" else binning)
        index = np.unique(bin_of(probability, edges, "equal-mass"), return_inverse=True)[1]
    k = group_count(index)
    sizes, events, sums = (np.bincount(index, w, k) for w in (np.ones(n), labels, probability))
    rows = np.arange(n)
    columns = hstack([csr_array((w, (rows, index)), shape=(n, k)) for w in (np.ones(n), labels, probability)])

    def parts(found: Floats) -> Floats:
        size, event, total = found[:, :k], found[:, k : 2 * k], found[:, 2 * k :]
        whole = size.sum(axis=1)
        share = event.sum(axis=1) / whole
        safe = np.maximum(size, 1)
        reliability = ((total - event) ** 2 / safe).sum(axis=1) / whole
        resolution = (size * (event / safe - share[:, None]) ** 2).sum(axis=1) / whole
        return np.column_stack([reliability, resolution])

    reliability, resolution = bootstrap_of_sums(
        parts,
        columns.tocsr(),
        as_groups(cluster, n),
        method="basic",
        name="bootstrap",
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        bounds=(0.0, 1.0),
    )
    mean_p, mean_y = (sums / sizes)[index], (events / sizes)[index]
    inner = probability - mean_p
    within = float(np.mean(inner**2) - 2 * np.mean(inner * (labels - mean_y)))
    share = float(labels.mean())
    score = float(np.mean((probability - labels) ** 2))
    return BrierDecomposition(score, reliability, resolution, share * (1 - share), within, k)


def corp_decomposition(y: ArrayLike, p: ArrayLike) -> CorpDecomposition:
    """Miscalibration, discrimination and uncertainty by isotonic recalibration, without a choice of bins.

    Dimitriadis, Gneiting and Jordan, Proc Natl Acad Sci 2021;118:e2016191118: the score of the probabilities,
    of their isotonic recalibration, and of the share of class 1. Neither part is below 0.
    """
    labels, probability = binary(y, p)
    score = float(np.mean((probability - labels) ** 2))
    recalibrated = float(np.mean((isotonic_fit(labels, probability) - labels) ** 2))
    share = float(labels.mean())
    uncertainty = share * (1 - share)
    return CorpDecomposition(score, score - recalibrated, uncertainty - recalibrated, uncertainty)


def isotonic_fit(labels: Bools, p: Floats) -> Floats:
    """Isotonic regression (n,) of the labels on ``p``; equal probabilities get one value."""
    values, group = np.unique(p, return_inverse=True)
    sizes = np.bincount(group).astype(np.float64)
    shares = np.bincount(group, labels, len(values)) / sizes
    fitted: Floats = isotonic_regression(shares, weights=sizes).x[group]
    return fitted


def _squared_errors(y: ArrayLike, p: ArrayLike) -> tuple[Floats, float]:
    if np.ndim(p) == 2:
        truth, matrix = classes(y, p)
        return ((matrix - (truth[:, None] == np.arange(matrix.shape[1]))) ** 2).sum(axis=1), 2.0
    labels, single = binary(y, p)
    return (single - labels) ** 2, 1.0
