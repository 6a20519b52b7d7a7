"""Confidence limits of an area from its standard error, and of an area that has none."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri

from overread.stats.interval import Interval


def area_limits(
    area: float,
    variance: float,
    positives: float,
    negatives: float,
    confidence: float,
    scale: str,
    name: str,
    n: int,
) -> Interval:
    """Interval of an area by a normal limit on the ``plain`` scale (cut to 0 and 1) or the ``logit`` one.

    Where the variance is zero or undefined (perfect separation, one unit of a class) limits are Newcombe's,
    which stay informative there.
    """
    z = float(ndtri(0.5 + confidence / 2))
    if min(positives, negatives) < 2 or not variance >= 1e-20 or area in (0.0, 1.0):
        return newcombe_interval(area, positives, negatives, confidence, n)
    error = float(np.sqrt(variance))
    if scale == "plain":
        return Interval(area, max(0.0, area - z * error), min(1.0, area + z * error), confidence, name, n)
    centre, half = logit(area), z * error / (area * (1 - area))
    low, high = float(expit(centre - half)), float(expit(centre + half))
    return Interval(area, low, high, confidence, f"{name}, logit scale", n)


def newcombe_interval(area: float, positives: float, negatives: float, confidence: float, n: int) -> Interval:
    """Score-like limits that need only the area and the sizes (Newcombe, Stat Med 2006;25:559, method 5)."""
    z = float(ndtri(0.5 + confidence / 2))
    mean_size = max(0.0, (positives + negatives) / 2 - 1)

    def excess(theta: float) -> float:
        spread = 1 + mean_size * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return float((theta - area) ** 2 - z * z * theta * (1 - theta) * spread / (positives * negatives))

    low = high = area
    if area <= 0:
        low = 0.0
    elif excess(area - 1e-15) < 0:
        low = float(brentq(excess, 0.0, area - 1e-15))
    if area >= 1:
        high = 1.0
    elif excess(area + 1e-15) < 0:
        high = float(brentq(excess, area + 1e-15, 1.0))
    return Interval(area, low, high, confidence, "Newcombe", n)
