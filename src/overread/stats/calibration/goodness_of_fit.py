"""Tests of calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr

from overread.stats.calibration.inputs import Binning, bin_edges, bin_of, binary


@dataclass(frozen=True)
class CalibrationTest:
    """A test of the hypothesis that the probabilities are calibrated; ``df`` where it has degrees of freedom."""

    statistic: float
    p_value: float
    method: str
    df: int | None = None


@dataclass(frozen=True)
class HosmerLemeshowResult(CalibrationTest):
    """The test with its groups: cases, observed and expected events of each."""

    n: tuple[int, ...] = ()
    observed: tuple[int, ...] = ()
    expected: tuple[float, ...] = ()


def spiegelhalter(
    y: ArrayLike, p: ArrayLike, *, alternative: Literal["two-sided", "greater", "less"] = "two-sided"
) -> CalibrationTest:
    """Spiegelhalter's z of the Brier score against what it would be if ``p`` were true.

    Stat Med 1986;5:421: the sum of (y - p)(1 - 2p) over its standard deviation. ``greater``: the score is worse
    than calibrated probabilities would give, as over-confident ones do.

    Raises ValueError where no probability differs from 0, 0.5 and 1: the score then has no variance.
    """
    labels, probability = binary(y, p)
    slope = 1 - 2 * probability
    variance = float((slope**2 * probability * (1 - probability)).sum())
    if variance <= 0:
        raise ValueError("every p is 0, 0.5 or 1: the Brier score has no variance and no test exists")
    z = float(((labels - probability) * slope).sum() / np.sqrt(variance))
    p_values = {
        "two-sided": 2 * float(ndtr(-abs(z))),
        "greater": float(ndtr(-z)),
        "less": float(ndtr(z)),
    }
    if alternative not in p_values:
        raise ValueError(f"alternative is {alternative!r}, expected 'two-sided', 'greater' or 'less'")
    return CalibrationTest(z, p_values[alternative], f"Spiegelhalter, {alternative}")


def hosmer_lemeshow(
    y: ArrayLike, p: ArrayLike, *, bins: int = 10, binning: Binning = "equal-mass", df: int | None = None
) -> HosmerLemeshowResult:
    """Chi-square of observed and expected events over groups of probability.

    Hosmer and Lemeshow, Commun Stat 1980;A9:1043. ``equal-mass`` groups are their statistic C (deciles of
    risk), ``equal-width`` ones their H. ``df`` None is the number of groups with a case less 2, right for the
    cases on which a model was fitted; on new cases give the number of groups itself.

    Large samples reject by small deviations and small ones by none: show the reliability curve beside it.

    Raises ValueError for fewer than three groups without ``df``, or df below 1.
    """
    labels, probability = binary(y, p)
    edges = bin_edges(probability, bins, binning)
    index = bin_of(probability, edges, binning)
    kept, group = np.unique(index[index >= 0], return_inverse=True)
    k = len(kept)
    inside = index >= 0
    n = np.bincount(group, minlength=k)
    observed = np.bincount(group, labels[inside], k)
    expected = np.bincount(group, probability[inside], k)
    if df is None and k < 3:
        raise ValueError(
            f"p fills {k} groups; a test with groups - 2 degrees of freedom needs three (or give df)"
        )
    freedom = k - 2 if df is None else df
    if freedom < 1:
        raise ValueError(f"df is {freedom}, expected 1 or more")
    variance = expected * (1 - expected / n)
    # A group whose probabilities are all 0 (or 1) has no variance: it fits, or nothing could fit worse.
    gap = np.where(np.abs(observed - expected) < 1e-12 * n, 0.0, (observed - expected) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(gap == 0, 0.0, gap / variance)
    statistic = float(parts.sum())
    return HosmerLemeshowResult(
        statistic,
        float(chdtrc(freedom, statistic)) if np.isfinite(statistic) else 0.0,
        f"Hosmer-Lemeshow, {binning}",
        int(freedom),
        tuple(int(v) for v in n),
        tuple(int(v) for v in observed),
        tuple(float(v) for v in expected),
    )
