"""The z statistic of a trial followed from look to look: densities by Gauss-Legendre quadrature."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from overread.stats.arrays import Floats

NODES, WEIGHTS = np.polynomial.legendre.leggauss(160)
REACH = 9.0  # standard deviations beyond which a normal density is zero to double precision


class Walk:
    """Density of the z statistic over the paths that no bound has stopped so far.

    ``drift`` is the mean of z at information 1; at information t it is ``drift`` sqrt(t). Increments of
    z sqrt(t) are independent normal with variance the increment of t.
    """

    def __init__(self, drift: float) -> None:
        self.drift = drift
        self.t = 0.0
        self.z: Floats = np.zeros(1)
        self.mass: Floats = np.ones(1)

    def above(self, t: float, bound: float) -> float:
        """Chance of going on until information ``t`` and exceeding ``bound`` there."""
        return float(self.mass @ ndtr(-self._standard(t, bound)))

    def below(self, t: float, bound: float) -> float:
        """Chance of going on until information ``t`` and lying below ``bound`` there."""
        return float(self.mass @ ndtr(self._standard(t, bound)))

    def upper_bound(self, t: float, tail: float) -> float:
        """The bound at ``t`` that is exceeded with chance ``tail``; infinite where nothing is left to spend."""
        return self._bound(t, tail, upper=True)

    def lower_bound(self, t: float, tail: float) -> float:
        """The bound at ``t`` that lies above z with chance ``tail``; minus infinity where that is 0."""
        return self._bound(t, tail, upper=False)

    def step(self, t: float, low: float, high: float) -> None:
        """Go on to information ``t`` with the paths between ``low`` and ``high``."""
        centre = self.drift * np.sqrt(t)
        start, stop = max(low, min(centre, 0.0) - REACH), min(high, max(centre, 0.0) + REACH)
        if stop <= start:
            self.z, self.mass, self.t = np.array([centre]), np.zeros(1), t
            return
        z = (start + stop) / 2 + (stop - start) / 2 * NODES
        step = t - self.t
        gap = (z[:, None] * np.sqrt(t) - self.z * np.sqrt(self.t) - self.drift * step) / np.sqrt(step)
        density = np.exp(-(gap**2) / 2) @ self.mass * np.sqrt(t / (2 * np.pi * step))
        self.z, self.mass, self.t = z, density * WEIGHTS * (stop - start) / 2, t

    def _standard(self, t: float, bound: float) -> Floats:
        step = t - self.t
        if not np.isfinite(bound):
            return np.full(len(self.z), bound)
        z: Floats = (bound * np.sqrt(t) - self.z * np.sqrt(self.t) - self.drift * step) / np.sqrt(step)
        return z

    def _bound(self, t: float, tail: float, upper: bool) -> float:
        # Below this a spending step is rounding error, not a decision to spend.
        if tail <= 1e-15:
            return np.inf if upper else -np.inf
        centre = float(self.drift * np.sqrt(t))
        if len(self.z) == 1:
            return float(centre - ndtri(tail) if upper else centre + ndtri(tail))
        chance = self.above if upper else self.below

        def excess(bound: float) -> float:
            return chance(t, bound) - tail

        low, high = min(centre, 0.0) - 2 * REACH, max(centre, 0.0) + 2 * REACH
        if excess(low) * excess(high) > 0:
            return high if (excess(high) > 0) == upper else low
        return float(brentq(excess, low, high, xtol=1e-12))


def crossing(t: Floats, upper: Floats, lower: Floats, drift: float) -> tuple[Floats, Floats]:
    """Chance of first leaving through the upper and through the lower bound at each look."""
    walk, up, down = Walk(drift), np.empty(len(t)), np.empty(len(t))
    for k, now in enumerate(t):
        up[k], down[k] = walk.above(now, upper[k]), walk.below(now, lower[k])
        if k < len(t) - 1:
            walk.step(now, lower[k], upper[k])
    return up, down
