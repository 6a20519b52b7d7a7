"""How much would more data help: an inverse power law through trainings on parts of the patients, with a band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 500
BAND = (0.05, 0.95)
RATES = np.geomspace(0.05, 2.0, 60)
"""Exponents that are tried."""


@dataclass(frozen=True)
class LearningCurve:
    """``value(n) = end - gain * n ** -rate``, and at ``patients (k,)`` the curve with its 90% band."""

    end: float
    gain: float
    rate: float
    patients: Floats
    curve: Floats
    low: Floats
    high: Floats


def fit_curve(
    patients: Sequence[float],
    values: Sequence[float],
    *,
    at: Sequence[float],
    lower: bool = False,
    seed: int = 0,
) -> LearningCurve:
    """Fit a metric's ``values (n,)`` of trainings on so many ``patients (n,)``, and read it ``at`` other numbers.

    The inverse power law of Mukherjee et al. (J Comput Biol 2003;10:119) and Figueroa et al. (BMC Med Inform Decis Mak
    2012;12:8), by least squares. The band (90%) refits residuals drawn again at each size (a wild bootstrap): it holds
    the spread between trainings and what few points leave open about the curve, not the error of the law itself, which
    grows beyond the largest size. ``lower``: smaller values are better.

    Raises ValueError for fewer than three different numbers of patients.
    """
    x, y = np.array(patients, np.float64), np.array(values, np.float64)
    if len(np.unique(x)) < 3:
        raise ValueError(f"{len(np.unique(x))} different numbers of patients, expected three or more")
    sign = -1.0 if lower else 1.0
    scale = float(x.max())
    theta = _fitted(x / scale, sign * y)
    points = np.array(at, np.float64)
    smooth = _curve(x / scale, theta)
    residual = sign * y - smooth
    # Residuals of a fit are smaller than the errors: as many degrees of freedom as are left.
    residual *= np.sqrt(len(x) / max(len(x) - 3, 1))
    generator = np.random.default_rng(seed)
    signs = generator.choice([-1.0, 1.0], (RESAMPLES, len(x)))
    drawn = _curve(points / scale, _fitted(x / scale, smooth + residual * signs))
    ends = np.quantile(drawn, BAND, axis=0) * sign
    curve = sign * _curve(points / scale, theta)
    low, high = np.minimum(ends.min(axis=0), curve), np.maximum(ends.max(axis=0), curve)
    end, gain, rate = map(float, theta)
    return LearningCurve(sign * end, sign * gain * scale**rate, rate, points, curve, low, high)


def sizes(patients: int, points: int = 5) -> list[int]:
    """Numbers of patients to train on, evenly by order of magnitude, the largest all of them."""
    least = max(4, patients // 10)
    return sorted({round(float(n)) for n in np.geomspace(least, patients, points)})


def _curve(x: Floats, theta: Floats) -> Floats:
    found: Floats = theta[..., :1] - theta[..., 1:2] * x ** -theta[..., 2:]
    return found


def _fitted(x: Floats, y: Floats) -> Floats:
    """End, gain and rate ``(..., 3)`` by least squares of ``y (..., n)``; no gain is negative: more data do not harm.

    For each rate of a grid the other two are those of a straight line, so that many fits are one.
    """
    best = np.full(y.shape[:-1], np.inf)
    theta = np.zeros((*y.shape[:-1], 3))
    middle = y.mean(axis=-1)
    for rate in RATES:
        z = -(x**-rate)
        apart = z - z.mean()
        gain = np.maximum((y * apart).sum(axis=-1) / (apart**2).sum(), 0.0)
        end = middle - gain * z.mean()
        error = ((y - end[..., None] - gain[..., None] * z) ** 2).sum(axis=-1)
        better = error < best
        best = np.where(better, error, best)
        found = np.stack([end, gain, np.full_like(end, rate)], axis=-1)
        theta = np.where(better[..., None], found, theta)
    return theta
