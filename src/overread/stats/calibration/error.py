"""Calibration errors over bins: expected, adaptive, and largest."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_groups, check_confidence
from overread.stats.calibration.inputs import Binning, bin_edges, bin_of, binary, case_weights, classes
from overread.stats.calibration.resample import bootstrap_of_sums
from overread.stats.interval import Interval


def ece(
    y: ArrayLike,
    p: ArrayLike,
    *,
    bins: int = 10,
    binning: Binning = "equal-width",
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    weights: ArrayLike | None = None,
    classwise: bool = False,
) -> Interval:
    """Expected calibration error: mean over cases of |observed - predicted| of their bin.

    Naeini et al., AAAI 2015 (``equal-width``); Nixon et al., CVPR workshops 2019 (``equal-mass``). With ``p``
    (n,) it is the calibration of class 1; with ``p`` (n, k) and class indices ``y`` that of the highest
    probability against being right (Guo et al., ICML 2017), or with ``classwise`` the mean over the classes
    (static calibration error, Nixon et al.). ``weights`` (n,) are sampling weights.

    Bins are (low, high]. Binning ``quantile`` is that of the FDA's calzone: the cases with the very smallest
    probability lie in no bin and do not count.

    The error is biased upwards, resamples more so: the limits are of the basic bootstrap, which turns that
    shift round, cut at 0 and 1. They can exclude the estimate where it is mostly noise.
    """
    return _error("ece", y, p, bins, binning, cluster, confidence, resamples, seed, weights, classwise)


def ace(
    y: ArrayLike,
    p: ArrayLike,
    *,
    bins: int = 10,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    weights: ArrayLike | None = None,
) -> Interval:
    """Adaptive calibration error: mean over equal-mass bins, and over classes, of |observed - predicted|.

    Nixon et al., CVPR workshops 2019. ``p`` (n,) is of class 1; with ``p`` (n, k) every class is binned by
    itself. Limits as for ``ece``.
    """
    return _error("ace", y, p, bins, "equal-mass", cluster, confidence, resamples, seed, weights, True)


def mce(
    y: ArrayLike,
    p: ArrayLike,
    *,
    bins: int = 10,
    binning: Binning = "equal-width",
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    weights: ArrayLike | None = None,
) -> Interval:
    """Maximum calibration error: the largest |observed - predicted| of any bin with a case.

    Naeini et al., AAAI 2015. One case alone in its bin can decide it: prefer few or ``equal-mass`` bins. ``p``
    and limits as for ``ece``.
    """
    return _error("mce", y, p, bins, binning, cluster, confidence, resamples, seed, weights, False)


def _error(
    kind: Literal["ece", "ace", "mce"],
    y: ArrayLike,
    p: ArrayLike,
    bins: int,
    binning: Binning,
    cluster: ArrayLike | None,
    confidence: float,
    resamples: int,
    seed: int,
    weights: ArrayLike | None,
    classwise: bool,
) -> Interval:
    check_confidence(confidence)
    outcomes, predicted = _outcomes(y, p, classwise)
    n = len(predicted)
    w = case_weights(weights, n)
    gaps, sizes = [], []
    for outcome, single in zip(outcomes.T, predicted.T, strict=True):
        edges = bin_edges(single, bins, binning)
        index = bin_of(single, edges, binning)
        member = np.zeros((n, len(edges) - 1))
        inside = index >= 0
        member[np.flatnonzero(inside), index[inside]] = w[inside]
        gaps.append(member * (outcome - single)[:, None])
        sizes.append(member)
    totals = np.hstack(gaps + ([m.sum(axis=1, keepdims=True) for m in sizes] if kind == "ece" else sizes))
    width = sum(g.shape[1] for g in gaps)

    def value(sums: Floats) -> Floats:
        gap, size = np.abs(sums[:, :width]), sums[:, width:]
        if kind == "ece":
            # Every class counts the same cases, save those that lie in no bin of a class.
            overall: Floats = gap.sum(axis=1) / size.sum(axis=1)
            return overall[:, None]
        each: Floats = np.divide(gap, size, out=np.zeros_like(gap), where=size > 0)
        if kind == "mce":
            largest: Floats = each.max(axis=1)
            return largest[:, None]
        mean: Floats = each.sum(axis=1) / (size > 0).sum(axis=1)
        return mean[:, None]

    name = f"{binning}, {bins} bins, bootstrap"
    return bootstrap_of_sums(
        value,
        totals,
        as_groups(cluster, n),
        method="basic",
        name=name,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        bounds=(0.0, 1.0),
    )[0]


def _outcomes(y: ArrayLike, p: ArrayLike, classwise: bool) -> tuple[Floats, Floats]:
    """Outcomes and probabilities (n, c): of class 1, of being right, or of every class."""
    if np.ndim(p) == 2:
        truth, matrix = classes(y, p)
        if classwise:
            return (truth[:, None] == np.arange(matrix.shape[1])).astype(np.float64), matrix
        right = matrix.argmax(axis=1) == truth
        return right[:, None].astype(np.float64), matrix.max(axis=1)[:, None]
    labels, single = binary(y, p)
    return labels[:, None].astype(np.float64), single[:, None]
