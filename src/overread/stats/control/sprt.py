"""Wald's sequential probability ratio test: stop as soon as the data speak clearly for one hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from overread.stats.arrays import Floats, as_binary, as_floats


@dataclass(frozen=True)
class SprtBounds:
    """Bounds of the log likelihood ratio: at ``upper`` H1 is accepted, at ``lower`` H0."""

    lower: float
    upper: float


@dataclass(frozen=True)
class SprtResult:
    """``statistic`` (n,) the log likelihood ratio up to each case; ``decision`` is ``H0``, ``H1`` or ``continue``.

    ``stopped_at`` is the number of cases that the decision took, or None.
    """

    statistic: Floats
    bounds: SprtBounds
    decision: str
    stopped_at: int | None


@dataclass(frozen=True)
class SprtProperties:
    """Chance to accept H1 and average number of cases at a true value; Wald's approximations."""

    accept_h1: float
    average_sample_number: float


def sprt_bounds(*, alpha: float = 0.05, beta: float = 0.1) -> SprtBounds:
    """Wald's bounds ln(beta / (1 - alpha)) and ln((1 - beta) / alpha) (Ann Math Stat 1945;16:117).

    They ignore how far the sum overshoots, so that the true error rates are, together, a little lower.

    Raises ValueError unless alpha and beta are above 0 and their sum below 1.
    """
    if not (alpha > 0 and beta > 0 and alpha + beta < 1):
        raise ValueError(f"alpha = {alpha} and beta = {beta}, expected above 0 with a sum below 1")
    return SprtBounds(float(np.log(beta / (1 - alpha))), float(np.log((1 - beta) / alpha)))


def sprt(
    x: ArrayLike,
    *,
    h0: float,
    h1: float,
    alpha: float = 0.05,
    beta: float = 0.1,
    model: str = "bernoulli",
    sd: float = 1.0,
) -> SprtResult:
    """Run the test over cases in order of time.

    ``bernoulli``: ``x`` (n,) of 0 and 1, event rates ``h0`` and ``h1``. ``normal``: ``x`` (n,) with known
    ``sd``, means ``h0`` and ``h1``. The statistic goes on after the decision.

    Raises ValueError for values outside the model.
    """
    bounds = sprt_bounds(alpha=alpha, beta=beta)
    _check(h0, h1, model, sd)
    if model == "bernoulli":
        hit = as_binary(x, "x", both=False)
        steps = np.where(hit, np.log(h1 / h0), np.log1p(-h1) - np.log1p(-h0))
    else:
        steps = (h1 - h0) / sd**2 * (as_floats(x, "x") - (h0 + h1) / 2)
    path = np.cumsum(steps)
    beyond = np.flatnonzero((path <= bounds.lower) | (path >= bounds.upper))
    if not len(beyond):
        return SprtResult(path, bounds, "continue", None)
    first = int(beyond[0])
    return SprtResult(path, bounds, "H1" if path[first] >= bounds.upper else "H0", first + 1)


def sprt_properties(
    *,
    h0: float,
    h1: float,
    truth: float,
    alpha: float = 0.05,
    beta: float = 0.1,
    model: str = "bernoulli",
    sd: float = 1.0,
) -> SprtProperties:
    """Operating characteristic and average sample number at the ``truth`` (a rate, or a mean).

    Wald 1945: from the exponent t for which the likelihood ratio to the power t has mean 1; the overshoot
    over the bounds is ignored, so that the real number of cases is somewhat larger.
    """
    bounds = sprt_bounds(alpha=alpha, beta=beta)
    _check(h0, h1, model, sd)
    if model == "bernoulli":
        if not 0 < truth < 1:
            raise ValueError(f"truth is {truth}, expected a rate between 0 and 1")
        up, down = np.log(h1 / h0), np.log1p(-h1) - np.log1p(-h0)
        mean = truth * up + (1 - truth) * down
        square = truth * up**2 + (1 - truth) * down**2
        spread = square - mean**2
        exponent = _exponent(float(up), float(down), truth, float(mean), float(spread))
    else:
        slope = (h1 - h0) / sd**2
        mean, spread = slope * (truth - (h0 + h1) / 2), (slope * sd) ** 2
        exponent = -2 * mean / spread
        square = spread + mean**2
    lower, upper = bounds.lower, bounds.upper
    if abs(exponent) < 1e-6:
        accept = -lower / (upper - lower)
        return SprtProperties(float(accept), float(-lower * upper / square))
    accept = np.expm1(exponent * lower) / (np.expm1(exponent * lower) - np.expm1(exponent * upper))
    number = (accept * upper + (1 - accept) * lower) / mean
    return SprtProperties(float(accept), float(number))


def _exponent(up: float, down: float, p: float, mean: float, spread: float) -> float:
    """The t other than 0 with p exp(t up) + (1 - p) exp(t down) = 1; 0 where the mean step is 0."""
    if abs(mean) < 1e-12 * max(abs(up), abs(down)):
        return 0.0

    def excess(t: float) -> float:
        return float(np.logaddexp(np.log(p) + t * up, np.log1p(-p) + t * down))

    # The function is convex with a root at 0; the other root lies on the side away from its slope there.
    near = -mean / spread
    far = 2 * near
    while excess(far) < 0:
        far *= 2
    while excess(near) > 0:
        near /= 2
    return float(brentq(excess, min(near, far), max(near, far), xtol=1e-13))


def _check(h0: float, h1: float, model: str, sd: float) -> None:
    if model not in ("bernoulli", "normal"):
        raise ValueError(f"model is {model!r}, expected 'bernoulli' or 'normal'")
    if h0 == h1:
        raise ValueError(f"h0 and h1 are both {h0}, expected two different values")
    if model == "bernoulli" and not (0 < h0 < 1 and 0 < h1 < 1):
        raise ValueError(f"h0 = {h0} and h1 = {h1}, expected rates between 0 and 1")
    if not sd > 0:
        raise ValueError(f"sd is {sd}, expected above 0")
