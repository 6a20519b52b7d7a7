"""Estimates after a group-sequential trial has stopped: plain ones exaggerate the effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from overread.stats.arrays import Floats, check_confidence
from overread.stats.interval import Interval
from overread.stats.power.recursion import Walk
from overread.stats.power.sequential import GroupSequentialDesign


@dataclass(frozen=True)
class SequentialEstimate:
    """``effect``: median-unbiased estimate of the drift (expected z at information 1) with exact limits.

    Times the standard error that the effect would have at information 1 it is in the effect's own unit. ``naive``: z
    over the root of the information; ``bias_adjusted``: Whitehead's estimate; ``p_value`` one-sided, stagewise.
    """

    effect: Interval
    naive: float
    bias_adjusted: float
    p_value: float
    look: int


def estimate_after_stopping(
    design: GroupSequentialDesign, *, look: int, z: float, confidence: float = 0.95
) -> SequentialEstimate:
    """What a trial of ``design`` that stopped at ``look`` (from 1) with ``z`` says of the effect.

    Results are ordered by stage: an earlier crossing of the efficacy bound is stronger evidence than a later one, an
    earlier crossing of the futility bound weaker (Tsiatis, Rosner and Mehta, Biometrics 1984;40:797; Jennison and
    Turnbull 2000, section 8.4). Limits and the median-unbiased estimate invert that ordering; the bias-adjusted one
    solves E(naive) = naive (Whitehead, Biometrika 1986;73:573).

    Raises ValueError for a look that the design has not, or a ``z`` at which it would not have stopped there.
    """
    check_confidence(confidence)
    t = np.array(design.information)
    upper = np.array(design.efficacy)
    if not 1 <= look <= len(t) or int(look) != look:
        raise ValueError(f"look is {look}, expected 1 to {len(t)}")
    lower = np.append(-upper[:-1] if design.sided == 2 else np.array(design.futility), -np.inf)
    k = int(look) - 1
    if not np.isfinite(z) or (k < len(t) - 1 and lower[k] < z < upper[k]):
        raise ValueError(
            f"z is {z:g} at look {look}: the design goes on between {lower[k]:.3f} and {upper[k]:.3f}"
        )

    def beyond(drift: float) -> float:
        """Chance of a result at least as strong."""
        walk, found = Walk(drift), 0.0
        for i in range(k):
            found += walk.above(t[i], upper[i])
            walk.step(t[i], lower[i], upper[i])
        return found + walk.above(t[k], z)

    naive, reach = float(z / np.sqrt(t[k])), 15 / float(np.sqrt(t[k]))

    def solved(level: float) -> float:
        return float(brentq(lambda d: beyond(d) - level, naive - reach, naive + reach, xtol=1e-10))

    alpha = (1 - confidence) / 2
    name = "stagewise ordering"
    effect = Interval(solved(0.5), solved(alpha), solved(1 - alpha), confidence, name)

    def excess(drift: float) -> float:
        return _expected(t, upper, lower, drift) - naive

    reach = 8 / float(np.sqrt(t[0]))
    adjusted = float(brentq(excess, naive - reach, naive + reach, xtol=1e-9))
    return SequentialEstimate(effect, naive, adjusted, beyond(0.0), int(look))


def _expected(t: Floats, upper: Floats, lower: Floats, drift: float) -> float:
    """Mean of z over the root of information, over all ways that the trial may end."""
    walk, mean = Walk(drift), 0.0
    for i, now in enumerate(t):
        step = now - walk.t
        # E(z; z beyond a bound) of a normal of mean m and variance v, and its chance.
        centre = walk.z * np.sqrt(walk.t / now) + drift * step / np.sqrt(now)
        spread = np.sqrt(step / now)
        last = i == len(t) - 1
        bounds = ((-np.inf, np.inf),) if last else ((upper[i], np.inf), (-np.inf, lower[i]))
        for low, high in bounds:
            a, b = (low - centre) / spread, (high - centre) / spread
            part = centre * (ndtr(b) - ndtr(a)) + spread * (_density(a) - _density(b))
            mean += float(walk.mass @ part) / np.sqrt(now)
        if not last:
            walk.step(now, lower[i], upper[i])
    return mean


def _density(x: Floats) -> Floats:
    value: Floats = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return value
