"""Predictive values where the disease is rarer or more frequent than in the test set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtri

from overread.stats.arrays import as_count, check_confidence
from overread.stats.interval import Interval


@dataclass(frozen=True)
class PredictiveValues:
    """Positive and negative predictive value at ``prevalence``."""

    ppv: Interval
    npv: Interval
    prevalence: float


def predictive_values(
    *,
    sensitivity: float | Interval,
    specificity: float | Interval,
    prevalence: float | Interval,
    positives: int | None = None,
    negatives: int | None = None,
    confidence: float = 0.95,
) -> PredictiveValues:
    """Predictive values at another prevalence, by Bayes' rule.

    ``sensitivity`` and ``specificity`` rest on ``positives`` and ``negatives`` cases; an ``Interval`` brings its own
    number. Limits: delta method on the logit scale (Mercaldo, Lau and Zhou, Stat Med 2007;26:2170); where a
    rate is 0 or 1 those of their adjusted form, which adds z^2 / 2 successes and failures, about the plain estimate. A
    ``prevalence`` given as an ``Interval`` with n adds its own variance. Without any number of cases the inputs are
    taken as known and the limits are the estimate; the method says so.

    Raises ValueError for rates outside 0 to 1, a prevalence of 0 or 1, or a predictive value that does not
    exist because no case would be called so.
    """
    check_confidence(confidence)
    se, n1 = _rate(sensitivity, positives, "sensitivity")
    sp, n0 = _rate(specificity, negatives, "specificity")
    prev, n_prev = _rate(prevalence, None, "prevalence")
    if not 0 < prev < 1:
        raise ValueError(f"prevalence is {prev:g}, expected a number between 0 and 1, not one of them")
    if (n1 is None) != (n0 is None):
        raise ValueError("give the numbers of both positives and negatives, or of neither")
    called, cleared = se * prev + (1 - sp) * (1 - prev), (1 - se) * prev + sp * (1 - prev)
    if called == 0 or cleared == 0:
        raise ValueError(
            "no case would be called positive (or negative): that predictive value does not exist"
        )
    ppv, npv = se * prev / called, sp * (1 - prev) / cleared
    if n1 is None or n0 is None:
        known = "Bayes' rule, inputs taken as known"
        return PredictiveValues(
            Interval(ppv, ppv, ppv, confidence, known), Interval(npv, npv, npv, confidence, known), prev
        )
    z = float(ndtri(0.5 + confidence / 2))
    extreme = se in (0.0, 1.0) or sp in (0.0, 1.0)
    name, m1, m0 = "logit, Mercaldo", float(n1), float(n0)
    if extreme:
        name = "adjusted logit, Mercaldo"
        se, sp = (se * n1 + z * z / 2) / (n1 + z * z), (sp * n0 + z * z / 2) / (n0 + z * z)
        m1, m0 = n1 + z * z, n0 + z * z
    of_prevalence = 0.0 if n_prev is None else 1 / (n_prev * prev * (1 - prev))

    def value(estimate: float, centre: float, variance: float) -> Interval:
        half = z * float(np.sqrt(variance + of_prevalence))
        # The adjusted centre lies inside; an estimate of 0 or 1 must not be left outside.
        low, high = min(estimate, float(expit(centre - half))), max(estimate, float(expit(centre + half)))
        return Interval(estimate, low, high, confidence, name, n1 + n0)

    positive_value = value(
        ppv, np.log(se / (1 - sp)) + logit(prev), (1 - se) / (se * m1) + sp / ((1 - sp) * m0)
    )
    negative_value = value(
        npv, np.log(sp / (1 - se)) - logit(prev), se / ((1 - se) * m1) + (1 - sp) / (sp * m0)
    )
    return PredictiveValues(positive_value, negative_value, prev)


def _rate(value: float | Interval, n: int | None, name: str) -> tuple[float, int | None]:
    estimate = value.estimate if isinstance(value, Interval) else float(value)
    if not 0 <= estimate <= 1:
        raise ValueError(f"{name} is {estimate:g}, expected a number from 0 to 1")
    if n is None and isinstance(value, Interval):
        n = value.n
    return estimate, None if n is None else as_count(n, f"number of cases behind {name}", least=1)
