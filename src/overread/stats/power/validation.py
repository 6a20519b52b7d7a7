"""Sizes for the external validation of a prediction model (Riley, Archer and colleagues)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri

from overread.stats.arrays import Floats, check_confidence
from overread.stats.power.auc import auc_precision
from overread.stats.power.development import PredictionModelSize
from overread.stats.power.linear_predictor import from_beta, from_c_statistic, from_normal, from_sample
from overread.stats.power.precision import sd_precision
from overread.stats.power.result import check_open, check_positive, whole


def validation_binary(
    *,
    prevalence: float,
    c_statistic: float | None = None,
    lp_normal: tuple[float, float] | None = None,
    lp_beta: tuple[float, float] | None = None,
    linear_predictor: ArrayLike | None = None,
    oe: float = 1.0,
    oe_width: float = 0.2,
    slope: float = 1.0,
    slope_width: float = 0.2,
    c_width: float = 0.1,
    threshold: float | None = None,
    sensitivity: float | None = None,
    specificity: float | None = None,
    net_benefit_width: float = 0.2,
    confidence: float = 0.95,
    increment: float = 1e-4,
) -> PredictionModelSize:
    """Cases to validate a model of a binary outcome (Riley et al., Stat Med 2021;40:4230).

    Each width is that of the whole confidence interval. Criteria: ``O/E`` (ratio of observed to expected
    events, on the log scale), ``slope`` (calibration slope), ``C`` (C-statistic, Newcombe's standard error)
    and, with ``threshold``, ``net benefit`` (standardised; ``sensitivity`` and ``specificity`` there are
    given or follow from the linear predictor).

    The distribution of the linear predictor is one of ``lp_normal`` (mean, sd), ``lp_beta`` (a, b of the
    predicted risks), a sample ``linear_predictor`` (n,) of logits, or, with none of them, the calibrated one
    that ``c_statistic`` implies. The slope criterion is integrated, not simulated. ``increment``: O/E and net
    benefit take their standard error from a grid of that step, the first that reaches the width, so that
    numbers agree with pmvalsampsize; with 0 it is solved exactly.
    """
    check_open("prevalence", prevalence)
    check_confidence(confidence)
    for name, value in (("oe", oe), ("oe_width", oe_width), ("slope_width", slope_width)):
        check_positive(name, value)
    check_positive("slope", slope)
    z = float(ndtri(0.5 + confidence / 2))
    lp, weight = _distribution(prevalence, c_statistic, lp_normal, lp_beta, linear_predictor)

    def oe_interval(se: float) -> float:
        return float(oe * (np.exp(z * se) - np.exp(-z * se)))

    se = _standard_error(oe_interval, oe_width, increment)
    criteria = {
        "O/E": (1 - prevalence) / (prevalence * se**2),
        "slope": _slope_size(lp, weight, slope, slope_width / (2 * z)),
    }
    if c_statistic is not None:
        found = auc_precision(
            auc=c_statistic,
            half_width=c_width / 2,
            prevalence=prevalence,
            method="newcombe",
            confidence=confidence,
            round_up=False,
        )
        criteria["C"] = float(found.n)
    if threshold is not None:
        check_open("threshold", threshold)
        positive = lp >= logit(threshold)
        risk = expit(slope * lp)
        if sensitivity is None:
            sensitivity = float(weight @ (risk * positive) / (weight @ risk))
        if specificity is None:
            specificity = float(weight @ ((1 - risk) * ~positive) / (weight @ (1 - risk)))
        se = _standard_error(lambda error: 2 * z * error, net_benefit_width, increment)
        criteria["net benefit"] = (
            net_benefit_variance(
                prevalence=prevalence, sensitivity=sensitivity, specificity=specificity, threshold=threshold
            )
            / se**2
        )
    elif sensitivity is not None or specificity is not None:
        raise ValueError("sensitivity and specificity belong to a threshold; give threshold too")
    binding = max(criteria, key=lambda name: criteria[name])
    n = int(whole(criteria[binding]))
    return PredictionModelSize(
        n=n,
        criteria=criteria,
        binding=binding,
        events=n * prevalence,
        method="external validation, binary outcome (Riley)",
        assumptions={
            "prevalence": prevalence,
            "c_statistic": c_statistic,
            "lp_normal": lp_normal,
            "lp_beta": lp_beta,
            "oe": oe,
            "oe_width": oe_width,
            "slope": slope,
            "slope_width": slope_width,
            "c_width": c_width,
            "threshold": threshold,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "net_benefit_width": net_benefit_width,
            "confidence": confidence,
        },
    )


def validation_continuous(
    *,
    r2: float,
    r2_width: float = 0.1,
    slope: float = 1.0,
    slope_width: float = 0.2,
    citl_width: float | None = None,
    outcome_variance: float = 1.0,
    margin: float = 1.1,
    confidence: float = 0.95,
) -> PredictionModelSize:
    """Cases to validate a model of a continuous outcome (Archer et al., Stat Med 2021;40:133).

    Criteria: ``R2`` and calibration ``slope`` known within whole interval widths, ``residual sd`` within the
    multiplicative ``margin`` (234 cases for 1.1), and with ``citl_width`` calibration in the large.
    """
    check_open("r2", r2)
    check_confidence(confidence)
    check_positive("slope", slope)
    z = float(ndtri(0.5 + confidence / 2))
    errors = {"R2": r2_width / (2 * z), "slope": slope_width / (2 * z)}
    for name, error in errors.items():
        check_positive(f"{name} width", error)
    criteria = {
        "R2": 4 * r2 * (1 - r2) ** 2 / errors["R2"] ** 2,
        "slope": slope**2 * (1 - r2) / (r2 * errors["slope"] ** 2) + 1,
        "residual sd": float(sd_precision(margin=margin, parameters=0, confidence=confidence).n),
    }
    if citl_width is not None:
        check_positive("citl_width", citl_width)
        check_positive("outcome_variance", outcome_variance)
        criteria["in the large"] = outcome_variance * (1 - r2) / (citl_width / (2 * z)) ** 2
    binding = max(criteria, key=lambda name: criteria[name])
    return PredictionModelSize(
        n=int(whole(criteria[binding])),
        criteria=criteria,
        binding=binding,
        events=None,
        method="external validation, continuous outcome (Archer)",
        assumptions={"r2": r2, "r2_width": r2_width, "slope": slope, "slope_width": slope_width},
    )


def net_benefit_variance(
    *, prevalence: float, sensitivity: float, specificity: float, threshold: float
) -> float:
    """Variance, times n, of the standardised net benefit (Marsh et al., Stat Med 2020;39:2980)."""
    for name, value in (("sensitivity", sensitivity), ("specificity", specificity)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}, expected 0 to 1")
    w = (1 - prevalence) / prevalence * threshold / (1 - threshold)
    return float(
        sensitivity * (1 - sensitivity) / prevalence
        + w**2 * specificity * (1 - specificity) / (1 - prevalence)
        + w**2 * (1 - specificity) ** 2 / (prevalence * (1 - prevalence))
    )


def _distribution(
    prevalence: float,
    c_statistic: float | None,
    normal: tuple[float, float] | None,
    beta: tuple[float, float] | None,
    sample: ArrayLike | None,
) -> tuple[Floats, Floats]:
    if (normal is not None) + (beta is not None) + (sample is not None) > 1:
        raise ValueError("give only one of lp_normal, lp_beta and linear_predictor")
    if normal is not None:
        return from_normal(*normal)
    if beta is not None:
        return from_beta(*beta)
    if sample is not None:
        return from_sample(sample)
    if c_statistic is None:
        raise ValueError(
            "give lp_normal, lp_beta, linear_predictor or c_statistic: how risks are distributed"
        )
    return from_c_statistic(c_statistic, prevalence)


def _slope_size(lp: Floats, weight: Floats, slope: float, error: float) -> float:
    """n for which logistic regression on the linear predictor gives that standard error of its slope."""
    risk = expit(slope * lp)
    a = weight * risk * (1 - risk)
    i0, i1, i2 = a.sum(), a @ lp, a @ lp**2
    determinant = i0 * i2 - i1**2
    if determinant <= 1e-12 * i0 * i2:
        raise ValueError("the linear predictor is constant; a calibration slope needs differing risks")
    return float(i0 / (error**2 * determinant))


def _standard_error(width: Callable[[float], float], target: float, increment: float) -> float:
    """The standard error at which an interval of increasing ``width`` reaches ``target``."""
    check_positive("interval width", target)
    if increment > 0:
        high = increment
        while width(high) < target:
            high *= 2
        steps = np.arange(1, round(high / increment) + 1) * increment
        return float(steps[[width(step) >= target for step in steps].index(True)])
    high = 1.0
    while width(high) < target:
        high *= 2
    return float(brentq(lambda se: width(se) - target, 1e-12, high, xtol=1e-14))
