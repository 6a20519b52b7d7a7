"""Limits of agreement of two measurements, with the limits' own intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, ndtri, stdtrit
from scipy.stats import nct

from overread.stats.arrays import (
    Floats,
    Ints,
    as_floats,
    as_groups,
    check_confidence,
    same_length,
    unit_count,
)
from overread.stats.interval import Interval


@dataclass(frozen=True)
class BlandAltman:
    """``bias``: mean of first - second. Between ``lower`` and ``upper`` lie ``agreement`` of the differences.

    ``sd`` is the standard deviation of a difference, in the unit of the measurements (a percentage where
    ``relative``).
    """

    bias: Interval
    lower: Interval
    upper: Interval
    sd: float
    n: int
    agreement: float


def bland_altman(
    first: ArrayLike,
    second: ArrayLike,
    *,
    subject: ArrayLike | None = None,
    agreement: float = 0.95,
    method: Literal["exact", "approximate", "lancet"] = "exact",
    relative: bool = False,
    confidence: float = 0.95,
) -> BlandAltman:
    """Limits of agreement, bias -+ z sd of the differences (Bland and Altman, Lancet 1986;327:307).

    Parameters
    ----------
    first, second
        (n,), measurements of the same cases in one unit.
    subject
        (n,), where subjects were measured several times: the variance is then that between subjects plus that
        within (Bland and Altman, J Biopharm Stat 2007;17:571), and limits are by MOVER (Zou, Stat Methods Med Res
        2013;22:630); ``method`` plays no part.
    method
        Of the limits' intervals: ``exact``, from the non-central t distribution (Carkeet, Optom Vis Sci 2015;92:e71),
        or ``approximate``, variance sd^2 (1 / n + z^2 / (2 (n - 1))) with Student's t (Bland and Altman, Stat Methods
        Med Res 1999;8:135), or ``lancet``, variance 3 sd^2 / n as in their paper of 1986. That paper takes z = 2:
        ``agreement`` 0.9545.
    relative
        Differences as a percentage of the mean of the two measurements, which must be above 0.

    The bias has Student's t limits. All suppose normal differences.

    Raises ValueError for NaN, fewer than two cases (subjects), or differences that are all equal.
    """
    check_confidence(confidence)
    if not 0 < agreement < 1:
        raise ValueError(f"agreement is {agreement}, expected a share between 0 and 1 such as 0.95")
    if method not in ("exact", "approximate", "lancet"):
        raise ValueError(f"method is {method!r}, expected 'exact', 'approximate' or 'lancet'")
    one, two = as_floats(first, "first"), as_floats(second, "second")
    same_length(len(one), two, "second")
    difference = one - two
    if relative:
        middle = (one + two) / 2
        if (middle <= 0).any():
            raise ValueError("relative differences need means above 0 in every case")
        difference = 100 * difference / middle
    codes = as_groups(subject, len(one), "subject")
    units = unit_count(codes, len(one))
    if units < 2:
        raise ValueError("one case (or one subject) has no limits of agreement; expected two or more")
    if np.ptp(difference) == 0:
        raise ValueError("all differences are equal; limits of agreement have no width to estimate")
    z = float(ndtri(0.5 + agreement / 2))
    if codes is not None and units < len(one):
        return _repeated(difference, codes, z, agreement, confidence)
    n, bias, sd = len(one), float(difference.mean()), float(difference.std(ddof=1))
    t = float(stdtrit(n - 1, 0.5 + confidence / 2))
    error = float(sd / np.sqrt(n))
    if method == "exact":
        tail = [(1 - confidence) / 2, (1 + confidence) / 2]
        near, far = (float(q) * error for q in nct.ppf(tail, n - 1, z * np.sqrt(n)))
        name = "exact, non-central t"
    else:
        share = 3 / n if method == "lancet" else 1 / n + z * z / (2 * (n - 1))
        half = float(t * sd * np.sqrt(share))
        near, far, name = z * sd - half, z * sd + half, f"Bland-Altman, {method}"
    return BlandAltman(
        bias=Interval(bias, bias - t * error, bias + t * error, confidence, "Student's t", n),
        lower=Interval(bias - z * sd, bias - far, bias - near, confidence, name, n),
        upper=Interval(bias + z * sd, bias + near, bias + far, confidence, name, n),
        sd=sd,
        n=n,
        agreement=agreement,
    )


def _repeated(difference: Floats, codes: Ints, z: float, agreement: float, confidence: float) -> BlandAltman:
    times = np.bincount(codes)
    subjects, n = len(times), len(difference)
    means = np.bincount(codes, difference) / times
    within = float(np.sum((difference - means[codes]) ** 2) / (n - subjects))
    between = float(means.var(ddof=1))
    within_part = (1 - float(np.mean(1 / times))) * within
    total, bias = between + within_part, float(means.mean())
    alpha = (1 - confidence) / 2
    t = float(stdtrit(subjects - 1, 1 - alpha))
    error = float(np.sqrt(between / subjects))
    # Zou takes the normal quantile for the mean's part of the limits.
    off = float(ndtri(1 - alpha)) * error
    # Limits of each variance from chi-square, joined to those of their sum, then to those of bias -+ z sd.
    df = np.array([subjects - 1, n - subjects])
    parts = np.array([between, within_part])
    low_var = total - float(np.hypot(*(parts * (1 - df / chdtri(df, alpha)))))
    high_var = total + float(np.hypot(*(parts * (df / chdtri(df, 1 - alpha) - 1))))
    sd = float(np.sqrt(total))
    near = float(np.hypot(off, z * (sd - np.sqrt(max(0.0, low_var)))))
    far = float(np.hypot(off, z * (np.sqrt(high_var) - sd)))
    name = "MOVER, repeated measurements"
    return BlandAltman(
        bias=Interval(
            bias, bias - t * error, bias + t * error, confidence, "Student's t of subject means", subjects
        ),
        lower=Interval(bias - z * sd, bias - z * sd - far, bias - z * sd + near, confidence, name, subjects),
        upper=Interval(bias + z * sd, bias + z * sd - near, bias + z * sd + far, confidence, name, subjects),
        sd=sd,
        n=subjects,
        agreement=agreement,
    )
