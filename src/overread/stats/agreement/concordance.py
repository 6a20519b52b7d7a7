"""Lin's concordance correlation of two measurements of the same cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from overread.stats.arrays import as_floats, check_confidence, same_length
from overread.stats.interval import Interval


@dataclass(frozen=True)
class Concordance:
    """``ccc`` = ``pearson`` (precision) times ``bias_correction`` (accuracy).

    ``scale_shift``: ratio of the standard deviations, first over second. ``location_shift``: difference of means,
    first - second, in units of their geometric mean.
    """

    ccc: Interval
    pearson: float
    bias_correction: float
    scale_shift: float
    location_shift: float


def concordance_correlation(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> Concordance:
    """Lin's concordance correlation coefficient (Biometrics 1989;45:255), measurements (n,) in one unit.

    Limits on Fisher's z scale with Lin's variance as corrected (Biometrics 2000;56:324).

    Raises ValueError for NaN, fewer than three cases, or measurements that are all equal.
    """
    check_confidence(confidence)
    x, y = as_floats(first, "first"), as_floats(second, "second")
    same_length(len(x), y, "second")
    n = len(x)
    if n < 3:
        raise ValueError(f"{n} cases, expected three or more")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise ValueError("first or second is constant; a concordance correlation does not exist")
    sx, sy = float(x.std()), float(y.std())
    pearson = float(np.clip(np.mean((x - x.mean()) * (y - y.mean())) / (sx * sy), -1, 1))
    scale, shift = sx / sy, float((x.mean() - y.mean()) / np.sqrt(sx * sy))
    accuracy = 2 / (scale + 1 / scale + shift**2)
    ccc = pearson * accuracy
    rest = 1 - ccc**2
    if rest < 1e-14:
        return Concordance(
            Interval(ccc, ccc, ccc, confidence, "no difference in any case", n),
            pearson,
            accuracy,
            scale,
            shift,
        )
    # Written in the bias correction, so that a correlation of 0 is no division by 0.
    variance = (
        (1 - pearson**2) * accuracy**2 * rest
        + 2 * ccc**2 * accuracy * (1 - ccc) * shift**2
        - (ccc * accuracy * shift**2) ** 2 / 2
    ) / (n - 2)
    half = float(ndtri(0.5 + confidence / 2) * np.sqrt(max(0.0, variance)) / rest)
    centre = np.arctanh(ccc)
    low, high = float(np.tanh(centre - half)), float(np.tanh(centre + half))
    return Concordance(
        Interval(ccc, low, high, confidence, "Lin, Fisher's z", n), pearson, accuracy, scale, shift
    )
