"""The mean of few cases: intervals that cover where resampling does not.

Resampled limits of two to eight cases cover far less than they say (at n = 2 half of what is nominal): what did not
occur in the sample cannot occur in a resample.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from overread.stats.arrays import Floats
from overread.stats.interval import Interval

FEW = 15
"""Below so many independent units a mean has the limits of this module."""
FEWEST_UNBOUNDED = 5
"""Below so many, values without known bounds have no interval: nothing limits what the next one may be."""

_ORDERS, _STEPS, _CAP = 200, 1001, 0.75


def bounded_mean_ci(values: Floats, bounds: tuple[float, float], confidence: float) -> Interval:
    """Interval of the mean of values (n,) that cannot leave ``bounds``; it covers whatever their distribution.

    Betting (Waudby-Smith and Ramdas, J R Stat Soc B 2024;86:1, hedged capital with the predictable bets of their
    equation 26): a mean is left out where somebody who bets against it, knowing only the earlier values, would have
    multiplied the money by 1 / alpha. The capital is averaged over `_ORDERS` fixed orders of the sorted values, so that
    the order of the cases decides nothing; by Markov's inequality it still covers for every n.
    """
    low, high = bounds
    alpha, n = 1 - confidence, len(values)
    x = np.sort((values - low) / (high - low))
    order = np.random.default_rng(0).permuted(np.tile(np.arange(n), (_ORDERS, 1)), axis=1)
    drawn = x[order]
    number = np.arange(1, n + 1)
    sums = np.cumsum(drawn, axis=1)
    mean = (0.5 + sums) / (number + 1)
    variance = (0.25 + np.cumsum((drawn - mean) ** 2, axis=1)) / (number + 1)
    known = np.concatenate([np.full((_ORDERS, 1), 0.25), variance[:, :-1]], axis=1)
    bet = np.sqrt(2 * np.log(2 / alpha) / (n * known))
    grid = np.linspace(0.0, 1.0, _STEPS)
    with np.errstate(divide="ignore"):
        most_up, most_down = _CAP / grid, _CAP / (1 - grid)
    up, down = np.zeros((_ORDERS, _STEPS)), np.zeros((_ORDERS, _STEPS))
    for t in range(n):
        gain = drawn[:, t, None] - grid
        up += np.log1p(np.minimum(bet[:, t, None], most_up) * gain)
        down += np.log1p(-np.minimum(bet[:, t, None], most_down) * gain)
    capital = (np.exp(up) + np.exp(down)).mean(axis=0) / 2
    kept = np.flatnonzero(capital < 1 / alpha)
    estimate = float(np.sort(values).mean())
    # A step of the grid on either side: a mean between two grid points is never left out by rounding.
    ends = grid[max(0, kept[0] - 1)], grid[min(_STEPS - 1, kept[-1] + 1)]
    first, last = (float(low + e * (high - low)) for e in ends)
    return Interval(estimate, min(first, estimate), max(last, estimate), confidence, "betting", n)


def student_mean_ci(residuals: Floats, estimate: float, confidence: float) -> Interval:
    """Student's t about ``estimate``; ``residuals`` (n,) are each unit's share of its error, which sum to 0.

    Raises ValueError below `FEWEST_UNBOUNDED` units.
    """
    n = len(residuals)
    if n < FEWEST_UNBOUNDED:
        raise ValueError(
            f"{n} independent cases have no interval where the values have no bounds; expected "
            f"{FEWEST_UNBOUNDED} or more"
        )
    error = float(np.sqrt(n / (n - 1) * np.sum(residuals**2)))
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * error
    return Interval(estimate, estimate - half, estimate + half, confidence, "Student's t", n)
