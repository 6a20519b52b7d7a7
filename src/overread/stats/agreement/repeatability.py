"""Repeatability: how far apart two measurements of one unchanged patient may lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, ndtri

from overread.stats.arrays import as_floats, as_groups, check_confidence, group_count
from overread.stats.interval import Interval


@dataclass(frozen=True)
class Repeatability:
    """``coefficient`` and ``within_sd`` in the unit of the measurements (percent where ``relative``).

    ``within_sd``: standard deviation within patients (relative: the within-patient coefficient of variation).
    """

    coefficient: Interval
    within_sd: Interval
    relative: bool


def repeatability_coefficient(
    values: ArrayLike,
    *,
    subject: ArrayLike,
    relative: bool = False,
    agreement: float = 0.95,
    confidence: float = 0.95,
) -> Repeatability:
    """The difference that two measurements of one unchanged patient stay below in ``agreement`` of pairs.

    ``values`` (n,) of patients ``subject`` (n,), two or more of each (others tell nothing). The coefficient is
    z sqrt(2) times the standard deviation within patients (Bland and Altman, Stat Methods Med Res 1999;8:135; Raunig
    et al., Stat Methods Med Res 2015;24:27), with exact limits from chi-square, which suppose normal errors of one
    spread. ``relative``: of the logarithms of values above 0, as a percentage: 100 (exp(s) - 1), where the error grows
    with the value.

    Raises ValueError for NaN, no patient with two measurements, equal measurements everywhere, or values of 0 or less
    where ``relative``.
    """
    check_confidence(confidence)
    if not 0 < agreement < 1:
        raise ValueError(f"agreement is {agreement}, expected a share between 0 and 1 such as 0.95")
    x = as_floats(values, "values")
    codes = as_groups(subject, len(x), "subject")
    assert codes is not None
    if relative:
        if x.min() <= 0:
            raise ValueError(f"relative repeatability needs values above 0, found {x.min():g}")
        x = np.log(x)
    times = np.bincount(codes)
    means = np.bincount(codes, x) / times
    degrees = int(len(x) - group_count(codes))
    if degrees < 1:
        raise ValueError("no patient has two measurements; repeatability needs some")
    squares = float(np.sum((x - means[codes]) ** 2))
    if squares == 0:
        raise ValueError("the measurements of every patient are equal; there is no spread to estimate")
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    sds = [float(np.sqrt(squares / d)) for d in (degrees, *(float(chdtri(degrees, t)) for t in tails))]
    patients = int(np.count_nonzero(times > 1))
    factor = float(ndtri(0.5 + agreement / 2) * np.sqrt(2))

    def interval(scale: float) -> Interval:
        found = [100 * float(np.expm1(scale * sd)) if relative else scale * sd for sd in sds]
        return Interval(found[0], found[1], found[2], confidence, "chi-square", patients)

    return Repeatability(interval(factor), interval(1.0), relative)
