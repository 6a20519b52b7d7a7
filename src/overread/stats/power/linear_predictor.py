"""Distributions of a model's linear predictor as points and weights, for expectations without simulation."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import betaincinv, expit, logit, ndtri

from overread.stats.arrays import Floats, as_floats
from overread.stats.power.result import check_open, check_positive

POINTS = 20_000


def from_normal(mean: float, sd: float) -> tuple[Floats, Floats]:
    """A normal linear predictor."""
    check_positive("sd of the linear predictor", sd)
    z, weight = _normal_points()
    return mean + sd * z, weight


def from_beta(a: float, b: float) -> tuple[Floats, Floats]:
    """The logit of predicted risks with a Beta(a, b) distribution."""
    check_positive("a of the beta distribution", a)
    check_positive("b of the beta distribution", b)
    middle = (np.arange(POINTS) + 0.5) / POINTS
    risk = np.clip(betaincinv(a, b, middle), 1e-12, 1 - 1e-12)
    return logit(risk), np.full(POINTS, 1 / POINTS)


def from_c_statistic(c_statistic: float, prevalence: float) -> tuple[Floats, Floats]:
    """A calibrated linear predictor, normal with equal spread in events and non-events.

    The spread s gives that C-statistic, s = sqrt(2) Phi^-1(C); the means differ by s^2, as they must where the
    predictor is calibrated; their level is found so that the mean risk is the prevalence.
    """
    check_open("c_statistic", c_statistic, low=0.5)
    check_open("prevalence", prevalence)
    s = float(np.sqrt(2) * ndtri(c_statistic))
    z, w = _normal_points()
    weight = np.concatenate([prevalence * w, (1 - prevalence) * w])
    spread = np.concatenate([s**2 + s * z, s * z])

    def excess(level: float) -> float:
        return float(weight @ expit(level + spread)) - prevalence

    # Calibration puts the level at logit(prevalence) - s^2 / 2; the search only removes quadrature error.
    start = float(logit(prevalence)) - s**2 / 2
    return brentq(excess, start - 1, start + 1, xtol=1e-12) + spread, weight


def from_sample(values: ArrayLike) -> tuple[Floats, Floats]:
    """The linear predictors (logits) of a sample, equally weighted."""
    lp = as_floats(values, "linear_predictor")
    return lp, np.full(len(lp), 1 / len(lp))


@cache
def _normal_points() -> tuple[Floats, Floats]:
    # The trapezoid rule converges faster than any power of the step for a Gaussian.
    z = np.linspace(-9, 9, 2001)
    weight = np.exp(-(z**2) / 2)
    return z, weight / weight.sum()
