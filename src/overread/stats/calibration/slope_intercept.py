"""Calibration in numbers of a line: slope, intercept, calibration in the large, observed to expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from overread.stats.arrays import Bools, Floats, check_confidence
from overread.stats.calibration.inputs import binary, clipped_logit
from overread.stats.calibration.logistic import logistic
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci


@dataclass(frozen=True)
class CalibrationLine:
    """Logistic recalibration: perfect is slope 1, intercept 0, in the large 0."""

    slope: Interval
    intercept: Interval
    in_the_large: Interval


def calibration_slope_intercept(y: ArrayLike, p: ArrayLike, *, confidence: float = 0.95) -> CalibrationLine:
    """Logistic regression of ``y`` (n,) on logit(``p``) (Cox, Biometrika 1958;45:562), with Wald intervals.

    ``in_the_large`` is the intercept with the slope held at 1. Probabilities are kept 1e-15 away from 0, 1.

    Raises ValueError for one class only, constant probabilities, or probabilities that separate the
    classes completely, where no slope exists.
    """
    check_confidence(confidence)
    labels, probability = binary(y, p, both=True)
    x = clipped_logit(probability)
    line, errors = cox_line(labels, x)
    ones = np.ones_like(x)
    large, large_error = logistic(ones[:, None], labels.astype(np.float64), x, np.array([0.0]))
    z = float(ndtri(0.5 + confidence / 2))

    def wald(estimate: float, error: float) -> Interval:
        return Interval(estimate, estimate - z * error, estimate + z * error, confidence, "Wald", len(x))

    return CalibrationLine(
        slope=wald(float(line[1]), float(errors[1])),
        intercept=wald(float(line[0]), float(errors[0])),
        in_the_large=wald(float(large[0]), float(large_error[0])),
    )


def cox_line(labels: Bools, x: Floats) -> tuple[Floats, Floats]:
    """Intercept and slope of ``labels`` on logits ``x``, and their standard errors."""
    if np.ptp(x) == 0:
        raise ValueError("p is constant; a calibration slope needs differing probabilities")
    if x[labels].min() >= x[~labels].max() or x[labels].max() <= x[~labels].min():
        raise ValueError("p separates the classes completely; no calibration slope exists")
    design = np.column_stack([np.ones_like(x), x])
    return logistic(design, labels.astype(np.float64), np.zeros_like(x), np.array([0.0, 1.0]))


def oe_ratio(
    y: ArrayLike, p: ArrayLike, *, method: Literal["log", "exact", "wilson"] = "log", confidence: float = 0.95
) -> Interval:
    """Observed over expected events: the sum of ``y`` (n,) over the sum of ``p`` (n,); perfect is 1.

    ``log``: normal limits of its logarithm with variance (1 - O/n) / O (Debray et al., BMJ 2017;356:i6460).
    ``exact`` and ``wilson``: the limits of the observed share over the mean of ``p``, which exist with no
    event too.

    Raises ValueError for no event or only events (``log``), or probabilities that are all 0.
    """
    check_confidence(confidence)
    labels, probability = binary(y, p)
    n, observed, expected = len(labels), int(labels.sum()), float(probability.sum())
    if expected == 0:
        raise ValueError("p is 0 in every case: no event is expected and no ratio exists")
    ratio = observed / expected
    if method == "log":
        if observed in (0, n):
            kind = "no event" if observed == 0 else "only events"
            raise ValueError(f"y holds {kind}: method 'log' has no limits; use 'exact' or 'wilson'")
        half = float(ndtri(0.5 + confidence / 2) * np.sqrt((1 - observed / n) / observed))
        return Interval(
            ratio, ratio * np.exp(-half), ratio * np.exp(half), confidence, "normal, log scale", n
        )
    if method not in ("exact", "wilson"):
        raise ValueError(f"method is {method!r}, expected 'log', 'exact' or 'wilson'")
    share = proportion_ci(observed, n, method=method, confidence=confidence)
    mean = expected / n
    return Interval(ratio, share.low / mean, share.high / mean, confidence, share.method, n)
