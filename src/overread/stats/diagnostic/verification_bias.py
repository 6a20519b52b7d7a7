"""Sensitivity and specificity where only some cases were verified, by preference those with a positive test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtri

from overread.stats.arrays import as_binary, check_confidence, same_length
from overread.stats.interval import Interval


@dataclass(frozen=True)
class VerificationCorrected:
    """Rates among all tested cases; ``naive_*`` are those of the verified ones alone, for comparison.

    ``verified`` (share of the positive and of the negative tests whose truth is known).
    """

    sensitivity: Interval
    specificity: Interval
    prevalence: float
    naive_sensitivity: float
    naive_specificity: float
    verified: tuple[float, float]


def begg_greenes(truth: ArrayLike, test: ArrayLike, *, confidence: float = 0.95) -> VerificationCorrected:
    """Rates corrected for partial verification (Begg and Greenes, Biometrics 1983;39:207).

    ``test`` (n,) of 0 and 1 is known for every case, ``truth`` (n,) of 0, 1 and NaN (or None) where not verified.
    Supposes that whether a case was verified depends on the test's result alone; where it also depends on what else is
    known of the patient, the result stays biased. Limits on the logit scale; where a verified group lacks a class, half
    a case is added to its counts for the limits.

    Raises ValueError for values other than these, or a test result of which no case was verified.
    """
    check_confidence(confidence)
    called = as_binary(test, "test")
    known = np.array(
        [np.nan if v is None else v for v in np.asarray(truth, dtype=object).tolist()], dtype=float
    )
    same_length(len(called), known, "truth")
    there = np.isfinite(known)
    if not np.isin(known[there], (0, 1)).all():
        raise ValueError("truth holds values other than 0, 1 and missing")
    counts = np.array(
        [[np.sum(there & (called == t) & (known == d)) for d in (1, 0)] for t in (True, False)], dtype=float
    )
    tested = np.array([called.sum(), (~called).sum()], dtype=float)
    for row, word in zip(counts, ("positive", "negative"), strict=True):
        if row.sum() == 0:
            raise ValueError(f"no case with a {word} test was verified; its truth cannot be supposed")
    estimate = _rates(counts, tested)
    empty = bool((counts == 0).any())
    padded = counts + 0.5 if empty else counts
    centre = _rates(padded, tested)
    diseased, healthy = padded.T
    of_tests = float(np.sum(1 / tested))
    variances = (
        of_tests + float(np.sum(healthy / (diseased * padded.sum(axis=1)))),
        of_tests + float(np.sum(diseased / (healthy * padded.sum(axis=1)))),
    )
    z = float(ndtri(0.5 + confidence / 2))
    name = "Begg-Greenes, logit" + (", half a case added" if empty else "")

    def interval(i: int) -> Interval:
        middle = np.log(centre[i] / (1 - centre[i]))
        half = z * np.sqrt(variances[i])
        low, high = float(expit(middle - half)), float(expit(middle + half))
        value = float(estimate[i])
        return Interval(value, min(low, value), max(high, value), confidence, name, len(called))

    share = counts.sum(axis=1) / tested
    prevalence = float((tested * counts[:, 0] / counts.sum(axis=1)).sum() / tested.sum())
    naive = counts[0, 0] / counts[:, 0].sum() if counts[:, 0].any() else np.nan
    naive_specificity = counts[1, 1] / counts[:, 1].sum() if counts[:, 1].any() else np.nan
    return VerificationCorrected(
        interval(0),
        interval(1),
        prevalence,
        float(naive),
        float(naive_specificity),
        (float(share[0]), float(share[1])),
    )


def _rates(counts: np.ndarray, tested: np.ndarray) -> tuple[float, float]:
    share = counts[:, 0] / counts.sum(axis=1)
    diseased, healthy = tested * share, tested * (1 - share)
    if diseased.sum() == 0 or healthy.sum() == 0:
        raise ValueError("every verified case is of one class; rates of the other do not exist")
    return float(diseased[0] / diseased.sum()), float(healthy[1] / healthy.sum())
