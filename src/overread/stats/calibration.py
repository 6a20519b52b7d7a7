"""Calibration: do probabilities mean what they say? Measures, a reliability curve, and two calibrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, logit, ndtri

from overread.stats.arrays import (
    Bools,
    Floats,
    Ints,
    as_binary,
    as_classes,
    as_floats,
    as_groups,
    as_probabilities,
    check_confidence,
    same_length,
)
from overread.stats.bootstrap import limits, resample_counts
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, proportion_ci

Binning = Literal["equal-width", "equal-mass"]
CLIP = 1e-15  # a probability of exactly 0 or 1 has no logit
TEMPERATURES = (0.02, 50.0)


@dataclass(frozen=True)
class ReliabilityBin:
    """Cases with a probability in (low, high]: how many, their mean probability, the observed frequency."""

    low: float
    high: float
    n: int
    mean_predicted: float
    observed: Interval


@dataclass(frozen=True)
class CalibrationLine:
    """Logistic recalibration: perfect is slope 1, intercept 0, in the large 0."""

    slope: Interval
    intercept: Interval
    in_the_large: Interval


def brier(
    y: ArrayLike, p: ArrayLike, cluster: ArrayLike | None = None, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Mean squared error of probabilities (Brier, Mon Weather Rev 1950;78:1), with a bootstrap interval.

    ``y`` (n,) in {0, 1} with ``p`` (n,) of class 1, giving 0 to 1; or class indices with ``p`` (n, k), the
    squared errors summed over the classes, giving 0 to 2.
    """
    if np.ndim(p) == 2:
        matrix = as_probabilities(p, ndim=2)
        truth = as_classes(y, classes=matrix.shape[1])
        same_length(len(truth), matrix, "p")
        errors = ((matrix - (truth[:, None] == np.arange(matrix.shape[1]))) ** 2).sum(axis=1)
        return mean_ci(errors, cluster, "bca", confidence, seed=seed, bounds=(0.0, 2.0))
    labels, single = _binary(y, p)
    return mean_ci((single - labels) ** 2, cluster, "bca", confidence, seed=seed, bounds=(0.0, 1.0))


def reliability_curve(
    y: ArrayLike, p: ArrayLike, bins: int = 10, binning: Binning = "equal-width", confidence: float = 0.95
) -> list[ReliabilityBin]:
    """Observed frequency of class 1 by bin of probability, with Wilson limits; empty bins are left out.

    ``y`` (n,) in {0, 1}, ``p`` (n,). ``equal-width``: bins (low, high] of one width, 0 in the first.
    ``equal-mass``: edges at quantiles of ``p``; equal edges are merged.
    """
    labels, probability = _binary(y, p)
    edges = _edges(probability, bins, binning)
    index = _bin_of(probability, edges)
    curve = []
    for k in range(len(edges) - 1):
        inside = index == k
        if inside.any():
            observed = proportion_ci(int(labels[inside].sum()), int(inside.sum()), "wilson", confidence)
            mean = float(probability[inside].mean())
            curve.append(
                ReliabilityBin(float(edges[k]), float(edges[k + 1]), observed.n or 0, mean, observed)
            )
    return curve


def ece(
    y: ArrayLike,
    p: ArrayLike,
    bins: int = 10,
    binning: Binning = "equal-width",
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Expected calibration error: mean over cases of |observed - predicted| of their bin.

    Naeini et al., AAAI 2015 (``equal-width``); Nixon et al., CVPR workshops 2019 (``equal-mass``). With ``p``
    (n,) it is the calibration of class 1; with ``p`` (n, k) and class indices ``y`` that of the highest
    probability against being right (Guo et al., ICML 2017).

    The error is biased upwards, resamples more so: the limits are of the basic bootstrap, which turns that
    shift round, cut at 0 and 1. They can exclude the estimate where it is mostly noise.
    """
    check_confidence(confidence)
    if np.ndim(p) == 2:
        matrix = as_probabilities(p, ndim=2)
        truth = as_classes(y, classes=matrix.shape[1])
        same_length(len(truth), matrix, "p")
        labels, single = matrix.argmax(axis=1) == truth, matrix.max(axis=1)
    else:
        labels, single = _binary(y, p)
    n = len(single)
    codes = as_groups(cluster, n)
    edges = _edges(single, bins, binning)
    gaps: Floats = np.zeros((n, len(edges) - 1))
    gaps[np.arange(n), _bin_of(single, edges)] = labels - single
    sizes: Floats = np.ones(n)
    if codes is not None:
        totals = np.zeros((int(codes.max()) + 1, gaps.shape[1]))
        np.add.at(totals, codes, gaps)
        gaps, sizes = totals, np.bincount(codes).astype(np.float64)
    estimate = float(np.abs(gaps.sum(axis=0)).sum() / n)
    blocks = resample_counts(len(sizes), resamples, seed, rows_of_data=n)
    replicates = np.concatenate([np.abs(c @ gaps).sum(axis=1) / (c @ sizes) for c in blocks])
    name = f"{binning}, {bins} bins, bootstrap"
    found = limits(estimate, replicates, method="basic", confidence=confidence, n=len(sizes), name=name)
    low, high = min(1.0, max(0.0, found.low)), min(1.0, max(0.0, found.high))
    return Interval(estimate, low, high, confidence, found.method, found.n)


def calibration_slope_intercept(y: ArrayLike, p: ArrayLike, confidence: float = 0.95) -> CalibrationLine:
    """Logistic regression of ``y`` (n,) on logit(``p``) (Cox, Biometrika 1958;45:562), with Wald intervals.

    ``in_the_large`` is the intercept with the slope held at 1. Probabilities are kept 1e-15 away from 0, 1.

    Raises ValueError for one class only, constant probabilities, or probabilities that separate the
    classes completely, where no slope exists.
    """
    check_confidence(confidence)
    labels, probability = _binary(y, p, both=True)
    x = logit(np.clip(probability, CLIP, 1 - CLIP))
    if np.ptp(x) == 0:
        raise ValueError("p is constant; a calibration slope needs differing probabilities")
    if x[labels].min() >= x[~labels].max() or x[labels].max() <= x[~labels].min():
        raise ValueError("p separates the classes completely; no calibration slope exists")
    ones = np.ones_like(x)
    line, errors = _logistic(np.column_stack([ones, x]), labels, np.zeros_like(x), np.array([0.0, 1.0]))
    large, large_error = _logistic(ones[:, None], labels, x, np.array([0.0]))
    z = float(ndtri(0.5 + confidence / 2))

    def wald(estimate: float, error: float) -> Interval:
        return Interval(estimate, estimate - z * error, estimate + z * error, confidence, "Wald", len(x))

    return CalibrationLine(
        slope=wald(float(line[1]), float(errors[1])),
        intercept=wald(float(line[0]), float(errors[0])),
        in_the_large=wald(float(large[0]), float(large_error[0])),
    )


def fit_temperature(logits: ArrayLike, y: ArrayLike) -> float:
    """The temperature T that makes softmax(logits / T) most likely (Guo et al., ICML 2017).

    ``logits`` (n, k) with class indices ``y`` (n,), or (n,) of class 1 with ``y`` in {0, 1}. T lies between
    0.02 and 50: on separated classes, where the best T would be 0, it stays above 0.
    """
    scores = as_floats(logits, "logits", np.ndim(logits) if np.ndim(logits) in (1, 2) else 1)
    if scores.ndim == 1:
        labels = as_binary(y, both=False)
        same_length(len(scores), labels, "y")
        signed = np.where(labels, scores, -scores)

        def loss(log_t: float) -> float:
            return float(-log_expit(signed / np.exp(log_t)).mean())

    else:
        truth = as_classes(y, classes=scores.shape[1])
        same_length(len(scores), truth, "y")
        rows = np.arange(len(truth))

        def loss(log_t: float) -> float:
            return float(-log_softmax(scores / np.exp(log_t), axis=1)[rows, truth].mean())

    bounds = (float(np.log(TEMPERATURES[0])), float(np.log(TEMPERATURES[1])))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    best = min((found.x, *bounds), key=loss)
    return float(np.exp(best))


def conformal_lac_quantile(prob_true: ArrayLike, coverage: float = 0.9) -> float:
    """Threshold q of the least-ambiguous-set conformal classifier: predict every class with 1 - p <= q.

    ``prob_true`` (n,) is the probability given to the true class in calibration cases. The set then holds
    the true class with at least ``coverage``, over calibration and new case together, if these are
    exchangeable (Sadinle et al., J Am Stat Assoc 2019;114:223; finite-sample rank ceil((n + 1) coverage)).
    With too few cases for that coverage q is 1: every class.
    """
    p = as_probabilities(prob_true, "prob_true")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage}, expected a number between 0 and 1 such as 0.9")
    # The product of n + 1 and a decimal fraction can lie a rounding error above a whole number.
    rank = int(np.ceil((len(p) + 1) * coverage - 1e-9))
    return 1.0 if rank > len(p) else float(np.sort(1 - p)[rank - 1])


def _binary(y: ArrayLike, p: ArrayLike, both: bool = False) -> tuple[Bools, Floats]:
    labels, probabilities = as_binary(y, both=both), as_probabilities(p)
    same_length(len(labels), probabilities, "p")
    return labels, probabilities


def _edges(p: Floats, bins: int, binning: Binning) -> Floats:
    if bins < 1:
        raise ValueError(f"bins is {bins}, expected 1 or more")
    if binning == "equal-width":
        return np.arange(bins + 1) / bins
    if binning != "equal-mass":
        raise ValueError(f"binning is {binning!r}, expected 'equal-width' or 'equal-mass'")
    inner: Floats = np.unique(np.quantile(p, np.arange(1, bins) / bins, method="inverted_cdf"))
    inner = inner[(inner > 0) & (inner < 1)]
    return np.concatenate([[0.0], inner, [1.0]])


def _bin_of(p: Floats, edges: Floats) -> Ints:
    index: Ints = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, len(edges) - 2).astype(np.int64)
    return index


def _logistic(design: Floats, labels: Bools, offset: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Newton's method with step halving; coefficients and their standard errors."""

    def loss(coefficients: Floats) -> float:
        eta = design @ coefficients + offset
        return float(-log_expit(np.where(labels, eta, -eta)).sum())

    beta, value = start, loss(start)
    for _ in range(100):
        fitted = expit(design @ beta + offset)
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        step = np.linalg.lstsq(information, design.T @ (labels - fitted), rcond=None)[0]
        size = 1.0
        while loss(beta + size * step) > value + 1e-12 * abs(value) and size > 1e-6:
            size /= 2
        beta = beta + size * step
        value = loss(beta)
        if np.abs(size * step).max() < 1e-10 * (1 + np.abs(beta).max()):
            break
    else:
        raise ValueError("logistic recalibration did not converge; p is almost separating or almost constant")
    fitted = expit(design @ beta + offset)
    information = design.T @ (design * (fitted * (1 - fitted))[:, None])
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))
