"""Kaplan and Meier's curve of survival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from overread.stats.arrays import Floats, Ints, check_confidence
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci
from overread.stats.survival.observed import observed


@dataclass(frozen=True)
class SurvivalCurve:
    """A step at each distinct time of an event: ``times`` (m,), and just after them ``survival``, ``low``, ``high``.

    ``at_risk`` (m,) just before each. The curve is not known beyond ``last``, the longest follow-up.
    """

    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    at_risk: Ints
    last: float
    confidence: float
    n: int

    def at(self, *, time: float) -> Interval:
        """Chance of no event until ``time``; the limits before the first event are Wilson's of 0 events.

        Raises ValueError beyond the longest follow-up.
        """
        if not 0 <= time <= self.last:
            raise ValueError(f"time is {time:g}, expected 0 to the longest follow-up, {self.last:g}")
        name = "Kaplan-Meier, log-log"
        index = int(np.searchsorted(self.times, time, side="right")) - 1
        if index < 0:
            least = proportion_ci(self.n, self.n, confidence=self.confidence).low
            return Interval(1.0, least, 1.0, self.confidence, "no event yet: Wilson", self.n)
        estimate, low, high = (float(v[index]) for v in (self.survival, self.low, self.high))
        return Interval(estimate, low, high, self.confidence, name, self.n)

    @property
    def median(self) -> Interval:
        """Time by which half have had the event; infinite where the curve (or its limit) stays above a half."""

        def reached(curve: Floats) -> float:
            below = np.flatnonzero(curve <= 0.5)
            return float(self.times[below[0]]) if len(below) else np.inf

        return Interval(
            reached(self.survival),
            reached(self.low),
            reached(self.high),
            self.confidence,
            "Brookmeyer-Crowley, log-log",
            self.n,
        )


def kaplan_meier(time: ArrayLike, event: ArrayLike, *, confidence: float = 0.95) -> SurvivalCurve:
    """Survival from ``time`` (n,) and whether the ``event`` (n,) was seen then (1) or follow-up ended (0).

    Kaplan and Meier, J Am Stat Assoc 1958;53:457, with Greenwood's variance on the log-minus-log scale (Kalbfleisch and
    Prentice 1980), pointwise. Limits of the median: Brookmeyer and Crowley, Biometrics 1982;38:29. Where the curve
    reaches 0 the limits are those of the last step before.

    Raises ValueError for NaN, wrong shapes, negative times, or no event.
    """
    check_confidence(confidence)
    t, e = observed(time, event)
    times, deaths = np.unique(t[e], return_counts=True)
    at_risk = len(t) - np.searchsorted(np.sort(t), times, side="left")
    survival: Floats = np.asarray(np.cumprod(1 - deaths / at_risk), dtype=np.float64)
    left = at_risk - deaths
    terms = np.divide(deaths, at_risk * left, out=np.zeros(len(times)), where=left > 0)
    greenwood = np.cumsum(terms)
    z = float(ndtri(0.5 + confidence / 2))
    inside = (survival > 0) & (survival < 1)
    log = np.log(np.where(inside, survival, 0.5))
    half = z * np.sqrt(greenwood) / np.abs(log)
    low, high = np.exp(log * np.exp(half)), np.exp(log * np.exp(-half))
    if not inside[-1]:
        low[-1], high[-1] = 0.0, (high[-2] if len(high) > 1 else 1.0)
    return SurvivalCurve(times, survival, low, high, at_risk, float(t.max()), confidence, len(t))
