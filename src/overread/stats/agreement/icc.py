"""Intraclass correlation of several raters' measurements: the six forms of Shrout and Fleiss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc, fdtri

from overread.stats.arrays import as_floats, check_confidence
from overread.stats.interval import Interval


@dataclass(frozen=True)
class IccForm:
    """One form: the coefficient, and the F test that it is above 0."""

    icc: Interval
    f: float
    df1: float
    df2: float
    p_value: float


@dataclass(frozen=True)
class IntraclassCorrelation:
    """``icc11``, ``icc21``, ``icc31``: of a single rating. ``icc1k``, ``icc2k``, ``icc3k``: of the mean of k raters.

    1: each subject has other raters. 2: the same raters, drawn from many (absolute agreement). 3: these raters only
    (consistency).
    """

    icc11: IccForm
    icc21: IccForm
    icc31: IccForm
    icc1k: IccForm
    icc2k: IccForm
    icc3k: IccForm
    subjects: int
    raters: int


def icc(ratings: ArrayLike, *, confidence: float = 0.95) -> IntraclassCorrelation:
    """Intraclass correlations (Shrout and Fleiss, Psychol Bull 1979;86:420) of ``ratings`` (subjects, raters).

    Limits are theirs, from F quantiles; for form 2 with Satterthwaite's degrees of freedom (McGraw and Wong, Psychol
    Methods 1996;1:30). They suppose normal measurements. Ratings without any error give limits of 1.

    Raises ValueError for NaN, fewer than two subjects or raters, or ratings that are all equal.
    """
    check_confidence(confidence)
    x = as_floats(ratings, "ratings", ndim=2)
    n, k = x.shape
    if n < 2 or k < 2:
        raise ValueError(f"ratings has shape {x.shape}, expected two or more subjects and raters")
    if np.ptp(x) == 0:
        raise ValueError("all ratings are equal; an intraclass correlation does not exist")
    mean = x.mean()
    rows, columns = x.mean(axis=1), x.mean(axis=0)
    between = float(k * np.sum((rows - mean) ** 2) / (n - 1))
    within = float(np.sum((x - rows[:, None]) ** 2) / (n * (k - 1)))
    raters = float(n * np.sum((columns - mean) ** 2) / (k - 1))
    error = float(np.sum((x - rows[:, None] - columns + mean) ** 2) / ((n - 1) * (k - 1)))
    scale = float(np.abs(x - mean).max()) ** 2
    error, within = (0.0 if v < 1e-24 * scale else v for v in (error, within))
    upper = 0.5 + confidence / 2

    def form(numbers: Sequence[float], noise: float, df2: float) -> IccForm:
        estimate, low, high = (float(v) for v in numbers)
        f = between / noise if noise else np.inf
        p = float(fdtrc(n - 1, df2, f)) if np.isfinite(f) else 0.0
        name = "F, Shrout-Fleiss"
        return IccForm(Interval(estimate, low, high, confidence, name, n), f, n - 1, df2, p)

    def consistent(noise: float, df2: float) -> tuple[IccForm, IccForm]:
        """Forms 1 and 3: the same formulas with another error."""
        single = (between - noise) / (between + (k - 1) * noise)
        # Multiplied through by the error, so that no error at all is no division by 0.
        limits = [(between / fdtri(n - 1, df2, upper)), between * fdtri(df2, n - 1, upper)]
        low, high = ((v - noise) / (v + (k - 1) * noise) for v in limits)
        if between:
            mean_of = [(v - noise) / v for v in (between, *limits)]
        else:
            mean_of = [-np.inf] * 3
        return form((single, low, high), noise, df2), form(mean_of, noise, df2)

    df_error = (n - 1) * (k - 1)
    icc11, icc1k = consistent(within, n * (k - 1))
    icc31, icc3k = consistent(error, df_error)
    single = (between - error) / (between + (k - 1) * error + k * (raters - error) / n)
    rest = n * (1 + (k - 1) * single) - k * single
    top = k * single * raters + rest * error
    bottom = (n - 1) * (k * single * raters) ** 2 + (rest * error) ** 2
    v = df_error * top**2 / bottom if bottom > 0 else float(df_error)
    low_f, high_f = float(fdtri(n - 1, v, upper)), float(fdtri(v, n - 1, upper))
    spread = k * raters + (k * n - k - n) * error
    low = n * (between - low_f * error) / (low_f * spread + n * between)
    high = n * (high_f * between - error) / (spread + n * high_f * between)
    icc21 = form((single, low, high), error, df_error)
    stepped = [k * r / (1 + (k - 1) * r) for r in (single, low, high)]
    return IntraclassCorrelation(icc11, icc21, icc31, icc1k, form(stepped, error, df_error), icc3k, n, k)
