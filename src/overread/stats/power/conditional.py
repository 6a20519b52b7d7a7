"""Conditional power: at an interim look, the chance that the trial still succeeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from overread.stats.arrays import check_confidence
from overread.stats.interval import Interval
from overread.stats.power.result import check_choice, check_open


@dataclass(frozen=True)
class ConditionalPower:
    """``power`` under the supposed effect; its interval goes with that of the effect, where data give it.

    ``drift`` is the supposed expected z of the final look; ``predictive`` the mean of the power over what the data say
    of the effect, whatever effect is supposed.
    """

    power: Interval
    drift: float
    predictive: float
    method: str


def conditional_power(
    *,
    z: float,
    information: float,
    critical: float = 1.959963984540054,
    effect: Literal["trend", "null", "planned"] = "trend",
    drift: float | None = None,
    confidence: float = 0.95,
) -> ConditionalPower:
    """Chance that the final z reaches ``critical``, given ``z`` at fraction ``information`` of the trial.

    Lachin, Stat Med 2005;24:2747; Jennison and Turnbull 2000, chapter 10. ``effect``: ``trend``, that seen so far,
    with limits from those of the trend; ``null``, none; ``planned``, with ``drift`` the expected final z (such as
    `group_sequential` gives). Predictive power takes a flat prior (Spiegelhalter, Freedman and Blackburn, Control Clin
    Trials 1986;7:8).

    Raises ValueError for a fraction outside 0 to 1, numbers that are not finite, or ``planned`` without ``drift``.
    """
    check_open("information", information)
    check_confidence(confidence)
    check_choice("effect", effect, ("trend", "null", "planned"))
    if not np.isfinite([z, critical]).all():
        raise ValueError(f"z is {z} and critical {critical}, expected finite numbers")
    if (effect == "planned") != (drift is not None):
        raise ValueError("give drift, the expected final z, with effect='planned' and with no other")
    t = information

    def power(theta: float) -> float:
        return float(ndtr((z * np.sqrt(t) + theta * (1 - t) - critical) / np.sqrt(1 - t)))

    trend = z / np.sqrt(t)
    predictive = float(ndtr((trend - critical) / np.sqrt((1 - t) / t)))
    supposed = {"trend": float(trend), "null": 0.0, "planned": float(drift or 0.0)}[effect]
    value = power(supposed)
    if effect == "trend":
        half = float(ndtri(0.5 + confidence / 2)) / np.sqrt(t)
        found = Interval(value, power(trend - half), power(trend + half), confidence, "limits of the trend")
    else:
        found = Interval(value, value, value, confidence, f"effect supposed: {effect}")
    return ConditionalPower(found, supposed, predictive, f"conditional power, {effect}")
