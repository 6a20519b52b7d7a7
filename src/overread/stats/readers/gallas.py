"""Reader-averaged AUC and its variance as U-statistics, for any design: fully crossed, split-plot or ragged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from overread.stats.arrays import Floats, as_floats, check_confidence
from overread.stats.interval import Interval
from overread.stats.readers.figure_of_merit import success
from overread.stats.readers.results import TreatmentDifference
from overread.stats.readers.study import Names, ReaderStudy, reader_study

BCK_NAMES = (
    "negatives",
    "positives",
    "negatives x positives",
    "readers",
    "readers x negatives",
    "readers x positives",
    "readers x negatives x positives",
)

# Along each of (reader, positive case, negative case) a pair of comparisons has the same or another one.
# Sums over all pairs hold the same ones twice over: taking them out, factor by factor, leaves the others.
_APART = np.array([[1.0, 0.0], [-1.0, 1.0]])
_DISTINCT = np.kron(np.kron(_APART, _APART), _APART)
_TO_BCK = np.kron(np.kron(_APART.T, _APART.T), _APART.T)
_FROM_BCK = np.linalg.inv(_TO_BCK)
_ORDER = np.array([6, 5, 4, 3, 2, 1, 0])
_NORMAL_FROM = 50


@dataclass(frozen=True)
class UStatistic:
    """Reader-averaged areas of every treatment, with variances over readers and cases.

    ``areas`` (one Interval a treatment); ``variances`` (treatments,); ``covariance`` (treatments,
    treatments); ``differences`` for all pairs; ``df`` (treatments,) before rounding.
    ``moments``, ``coefficients`` (treatments, treatments, 8): the second moments M1 to M8 of two comparisons
    (same reader and cases, ..., all different) and their weights; sum of the products = covariance.
    ``bck`` (treatments, treatments, 7): components of variance, named in ``BCK_NAMES``.
    """

    treatments: Names
    readers: Names
    areas: tuple[Interval, ...]
    variances: Floats
    covariance: Floats
    df: Floats
    differences: tuple[TreatmentDifference, ...]
    moments: Floats
    coefficients: Floats
    bck: Floats
    biased: bool


def u_statistic(
    rating: ArrayLike,
    truth: ArrayLike,
    *,
    reader: ArrayLike | None = None,
    treatment: ArrayLike | None = None,
    case: ArrayLike | None = None,
    confidence: float = 0.95,
    biased: bool = False,
) -> UStatistic:
    """Compare reader-averaged AUCs where readers and cases are both random, whoever read what.

    Gallas' one-shot estimate (Acad Radiol 2006;13:353) in its form for any design (Gallas, Bandos, Samuelson
    and Wagner, Commun Stat Theory Methods 2009;38:2586; Gallas and Brown, Neural Netw 2008;21:387). Pairs of
    readings, not readers, weigh equally where readers read different numbers of cases.

    Tests use Student's t with the Satterthwaite degrees of freedom of Obuchowski, Gallas and Hillis (Acad
    Radiol 2012;19:1508), cut to a whole number, and the normal distribution from 50 on, as the program iMRMC
    does. Limits of areas are cut to 0 and 1; where no reader errs the variance is 0 and they are a point.

    ``biased`` takes the V-statistic (the ideal bootstrap; never negative) in place of the unbiased variance.

    Input as in ``obuchowski_rockette``; a reader may lack a treatment altogether.

    Raises ValueError for a treatment without two readers, or a variance estimate below 0.
    """
    check_confidence(confidence)
    study = reader_study(rating, truth, reader=reader, treatment=treatment, case=case)
    t, cases = len(study.treatments), len(study.truth)
    sums, pairs = _sums(study)
    for i in range(t):
        read = (study.read[i] & study.truth).any(axis=1) & (study.read[i] & ~study.truth).any(axis=1)
        if read.sum() < 2:
            raise ValueError(
                f"treatment {study.treatments[i]} has {read.sum()} readers of both classes, expected two or more"
            )
    total = pairs[:, :, 7]
    distinct_pairs = pairs @ _DISTINCT.T
    unbiased = _quotient(sums @ _DISTINCT.T, distinct_pairs)
    with_self = _quotient(sums, pairs)
    moments = with_self if biased else unbiased
    coefficients = distinct_pairs / total[:, :, None]
    coefficients[:, :, 7] -= 1
    covariance = np.einsum("abk,abk->ab", coefficients, moments)
    weights = coefficients @ _FROM_BCK
    unshared = np.abs(weights) < 1e-15
    bck = np.where(unshared, 0.0, moments @ _TO_BCK.T)
    spread = np.where(unshared, 0.0, with_self @ _TO_BCK.T)[:, :, [6, 5, 3]]
    freedom = np.array([np.round(1 / weights[i, i, [6, 5, 3]] - 1) for i in range(t)])
    area = _areas(study)
    df = np.array([_df(covariance[i, i], spread[i, i], freedom[i]) for i in range(t)])
    name = "U-statistic, t" if not biased else "V-statistic, t"
    areas = tuple(
        _interval(
            area[i],
            _positive(covariance[i, i], study.treatments[i]),
            df[i],
            confidence,
            name,
            (0.0, 1.0),
            cases,
        )
        for i in range(t)
    )
    differences = []
    for i, j in combinations(range(t), 2):
        pair = (study.treatments[i], study.treatments[j])
        variance = _positive(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j], " less ".join(pair))
        free = _df(
            variance, spread[i, i] + spread[j, j] - 2 * spread[i, j], np.minimum(freedom[i], freedom[j])
        )
        gap, error = float(area[i] - area[j]), float(np.sqrt(variance))
        statistic = gap / error if error > 0 else (0.0 if gap == 0 else float(np.copysign(np.inf, gap)))
        differences.append(
            TreatmentDifference(
                pair,
                _interval(gap, variance, free, confidence, name, (-1.0, 1.0), cases),
                error,
                free,
                statistic,
                float(2 * stats.t.sf(abs(statistic), _used(free))),
            )
        )
    return UStatistic(
        study.treatments,
        study.readers,
        areas,
        np.diag(covariance).copy(),
        covariance,
        df,
        tuple(differences),
        moments,
        coefficients,
        bck[:, :, _ORDER],
        biased,
    )


def u_statistic_variance(moments: ArrayLike, *, readers: int, negatives: int, positives: int) -> float:
    """Variance of the reader-averaged AUC in a fully crossed study of another size.

    ``moments`` (8,): M1 to M8 of a treatment in a pilot study (``u_statistic(...).moments[i, i]``), or of a
    difference: m[i, i] + m[j, j] - 2 m[i, j] where both treatments share readers and cases.

    Raises ValueError for sizes below 1.
    """
    values = as_floats(moments, "moments")
    if len(values) != 8 or min(readers, negatives, positives) < 1:
        raise ValueError(f"expected 8 moments (found {len(values)}) and sizes of at least 1")
    shares = [np.array([1 / size, 1 - 1 / size]) for size in (readers, positives, negatives)]
    weights = np.kron(np.kron(shares[0], shares[1]), shares[2])
    weights[7] -= 1
    return float(weights @ values)


def _sums(study: ReaderStudy) -> tuple[Floats, Floats]:
    """Sums of products of two comparisons, and their numbers, over pairs in 8 nested sets: (t, t, 8) each."""
    wins = success(study)
    read = study.read.astype(np.float64)
    made = read[:, :, study.truth, None] * read[:, :, None, ~study.truth]
    return _nested_sums(wins), _nested_sums(made)


def _nested_sums(s: Floats) -> Floats:
    t = s.shape[0]
    rows, columns, cells = s.sum(axis=3), s.sum(axis=2), s.sum(axis=(2, 3))
    result = np.empty((t, t, 8))
    for k, part in enumerate((s, rows, columns, cells)):
        own, pooled = part.reshape(t, -1), part.sum(axis=1).reshape(t, -1)
        result[:, :, k] = own @ own.T
        result[:, :, 4 + k] = pooled @ pooled.T
    return result


def _areas(study: ReaderStudy) -> Floats:
    read = study.read.astype(np.float64)
    pairs = (read[:, :, study.truth].sum(axis=2) * read[:, :, ~study.truth].sum(axis=2)).sum(axis=1)
    area: Floats = success(study).sum(axis=(1, 2, 3)) / pairs
    return area


def _quotient(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0.5)


def _df(variance: float, spread: Floats, freedom: Floats) -> float:
    """Satterthwaite, from the squares between negatives, positives and readers; not below the least."""
    below = float(np.sum(spread**2 / freedom**3))
    if below < 1e-300:
        return float("inf")
    return float(max(variance**2 / below, freedom.min()))


def _used(df: float) -> float:
    return float("inf") if df >= _NORMAL_FROM else float(np.floor(df))


def _positive(variance: float, what: str) -> float:
    if variance < -1e-12:
        raise ValueError(
            f"the unbiased variance of {what} is {variance:.3g}, below 0: too few readers or cases; "
            "use biased=True"
        )
    # Below this it is the rounding of a variance of 0, as where every reader separates all cases.
    return float(variance) if variance > 1e-14 else 0.0


def _interval(
    estimate: float,
    variance: float,
    df: float,
    confidence: float,
    name: str,
    bounds: tuple[float, float],
    cases: int,
) -> Interval:
    half = float(stats.t.ppf(0.5 + confidence / 2, _used(df)) * np.sqrt(variance))
    low, high = max(bounds[0], estimate - half), min(bounds[1], estimate + half)
    return Interval(float(estimate), float(low), float(high), confidence, name, cases)
