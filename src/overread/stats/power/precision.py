"""Sizes from precision: how many cases make an interval as narrow as wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri
from scipy.stats import chi2

from overread.stats.arrays import check_confidence
from overread.stats.intervals.proportion import NAMES, binomial_limits
from overread.stats.power.result import SampleSize, check_choice, check_open, check_positive, whole

ProportionMethod = Literal["wald", "wilson", "exact", "jeffreys", "agresti-coull"]
LARGEST_N = 10_000_000


def proportion_precision(
    *,
    p: float,
    half_width: float | None = None,
    n: float | None = None,
    method: ProportionMethod = "wilson",
    relative: bool = False,
    population: int | None = None,
    confidence: float = 0.95,
    round_up: bool = True,
) -> SampleSize:
    """Cases for an interval of a proportion of at most ``half_width``, or the half width that ``n`` gives.

    ``wald``: n = z^2 p (1 - p) / w^2. ``wilson``, ``exact`` (Clopper-Pearson), ``jeffreys`` and
    ``agresti-coull`` use half the width of that interval at the expected count n p, whole or not.
    ``relative``: the half width is a share of ``p``. ``population``: Cochran's correction n / (1 + n / N) of
    a finite population (Sampling Techniques, 1977).

    Give one of ``half_width`` and ``n``; raises ValueError otherwise.
    """
    check_open("p", p)
    check_confidence(confidence)
    check_choice("method", method, tuple(_WORDS))
    _one_of(half_width, n)

    def half(size: float) -> float:
        return _half_width(p, size, method, confidence)

    if half_width is not None:
        check_open("half_width", half_width)
        target = half_width * p if relative else half_width
        if method == "wald":
            needed = float(ndtri(0.5 + confidence / 2)) ** 2 * p * (1 - p) / target**2
        else:
            needed = smallest(lambda size: half(size) <= target)
        if population is not None:
            check_positive("population", population)
            needed = needed / (1 + needed / population)
        n = whole(needed, round_up=round_up)
    size = 0 if n is None else n
    check_positive("n", size)
    return SampleSize(
        n=size,
        half_width=half(size),
        method=f"half width of the {_WORDS[method]} interval",
        assumptions={
            "p": p,
            "confidence": confidence,
            "half_width": half_width,
            "relative": relative,
            "population": population,
        },
    )


def sensitivity_specificity_precision(
    *,
    sensitivity: float | None,
    specificity: float | None,
    prevalence: float,
    half_width: float = 0.1,
    specificity_half_width: float | None = None,
    method: ProportionMethod = "wald",
    confidence: float = 0.95,
    round_up: bool = True,
) -> SampleSize:
    """Cases to enrol so that sensitivity and specificity are each known within ``half_width``.

    Buderer (Acad Emerg Med 1996;3:895): the diseased that sensitivity needs divided by ``prevalence``, the
    healthy that specificity needs divided by 1 - prevalence; ``groups`` holds both totals, ``n`` is the
    larger. ``method`` chooses the interval (Buderer's is ``wald``; ``wilson`` or ``exact`` fit what is later
    reported). Leave one of the two None to size for the other alone.

    Raises ValueError where both are None or a number lies outside 0 to 1.
    """
    check_open("prevalence", prevalence)
    if sensitivity is None and specificity is None:
        raise ValueError("sensitivity and specificity are both None; give at least one")
    widths = {"sensitivity": half_width, "specificity": specificity_half_width or half_width}
    totals: dict[str, float] = {}
    parts = (("sensitivity", sensitivity, prevalence), ("specificity", specificity, 1 - prevalence))
    for name, value, share in parts:
        if value is not None:
            check_open(name, value)
            needed = proportion_precision(
                p=value, half_width=widths[name], method=method, confidence=confidence, round_up=False
            )
            totals[name] = whole(needed.n / share, round_up=round_up)
    n = max(totals.values())
    return SampleSize(
        n=n,
        half_width=half_width,
        events=n * prevalence,
        groups=totals,
        method=f"Buderer, {_WORDS[method]} interval",
        assumptions={
            "sensitivity": sensitivity,
            "specificity": specificity,
            "prevalence": prevalence,
            "half_width": widths,
            "confidence": confidence,
        },
        note="groups are the totals that sensitivity and specificity need; n is the larger",
    )


def mean_precision(
    *,
    sd: float,
    half_width: float | None = None,
    n: float | None = None,
    confidence: float = 0.95,
    round_up: bool = True,
) -> SampleSize:
    """Cases for a mean known within ``half_width``, normal quantile: n = (z sd / w)^2."""
    check_positive("sd", sd)
    check_confidence(confidence)
    _one_of(half_width, n)
    z = float(ndtri(0.5 + confidence / 2))
    if half_width is not None:
        check_positive("half_width", half_width)
        n = whole((z * sd / half_width) ** 2, round_up=round_up)
    size = 0 if n is None else n
    check_positive("n", size)
    return SampleSize(
        n=size,
        half_width=z * sd / float(np.sqrt(size)),
        method="normal interval of a mean",
        assumptions={"sd": sd, "half_width": half_width, "confidence": confidence},
    )


def icc_precision(*, icc: float, readers: int, width: float, confidence: float = 0.95) -> SampleSize:
    """Subjects for an intraclass correlation known within a full interval ``width``.

    Bonett (Stat Med 2002;21:1331), formula 3, with his addition of 5 icc for two readers and icc >= .7.
    """
    check_open("icc", icc)
    check_positive("width", width)
    check_confidence(confidence)
    if readers < 2:
        raise ValueError(f"readers is {readers}, expected 2 or more measurements of each subject")
    z, k = float(ndtri(0.5 + confidence / 2)), readers
    n = 8 * z**2 * (1 - icc) ** 2 * (1 + (k - 1) * icc) ** 2 / (k * (k - 1) * width**2) + 1
    if k == 2 and icc >= 0.7:
        n += 5 * icc
    return _precision_only(n, width / 2, "Bonett", icc=icc, readers=readers, confidence=confidence)


def kappa_precision(*, kappa: float, positive: float, width: float, confidence: float = 0.95) -> SampleSize:
    """Cases for Cohen's kappa of two readers and two categories, known within a full interval ``width``.

    Both readers call a share ``positive``; large-sample variance of Fleiss, Cohen and Everitt (Psychol Bull
    1969;72:323) in the form of Donner and Eliasziw (Stat Med 1992;11:1511).
    """
    check_open("kappa", kappa, low=-1, high=1)
    check_open("positive", positive)
    check_positive("width", width)
    check_confidence(confidence)
    z, pq = float(ndtri(0.5 + confidence / 2)), positive * (1 - positive)
    variance = (1 - kappa) * ((1 - kappa) * (1 - 2 * kappa) + kappa * (2 - kappa) / (2 * pq))
    if variance <= 0:
        raise ValueError(f"kappa {kappa} cannot occur where {positive:.0%} are called positive")
    n = variance * (2 * z / width) ** 2
    return _precision_only(
        n, width / 2, "Donner and Eliasziw", kappa=kappa, positive=positive, confidence=confidence
    )


def limits_of_agreement_precision(
    *, half_width: float, sd: float = 1.0, confidence: float = 0.95
) -> SampleSize:
    """Pairs for limits of agreement known within ``half_width``, in units of ``sd`` of the differences.

    Variance of a limit 3 sd^2 / n (Bland and Altman, Lancet 1986;327:307).
    """
    check_positive("half_width", half_width)
    check_positive("sd", sd)
    check_confidence(confidence)
    z = float(ndtri(0.5 + confidence / 2))
    return _precision_only(3 * (z * sd / half_width) ** 2, half_width, "Bland and Altman", sd=sd)


def sd_precision(*, margin: float, parameters: int = 0, confidence: float = 0.95) -> SampleSize:
    """Cases for a standard deviation known within a multiplicative ``margin`` (1.1 is 10%) either way.

    Chi-square limits with n - parameters - 1 degrees of freedom (Riley et al., Stat Med 2019;38:1262).
    """
    if margin <= 1:
        raise ValueError(f"margin is {margin}, expected above 1 (1.1 for 10%)")
    check_confidence(confidence)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])

    def good(df: float) -> bool:
        low, high = chi2.ppf(tails, df)
        return bool(max(np.sqrt(high / df), np.sqrt(df / low)) <= margin)

    df = whole(smallest(good))
    return SampleSize(
        n=df + parameters + 1,
        method="chi-square limits of a standard deviation",
        assumptions={"margin": margin, "parameters": parameters, "confidence": confidence},
    )


def smallest(good: Callable[[float], bool], *, start: float = 1.0) -> float:
    """Smallest real n for which ``good`` holds, to 1e-9 relative, where it holds for all larger n."""
    low = high = start
    while not good(high):
        low, high = high, 2 * high
        if high > LARGEST_N:
            raise ValueError(f"no size up to {LARGEST_N:,} is enough; ask for less")
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if good(middle) else (middle, high)
    return high


def _half_width(p: float, n: float, method: str, confidence: float) -> float:
    z = float(ndtri(0.5 + confidence / 2))
    if method == "wald":
        return float(z * np.sqrt(p * (1 - p) / n))
    low, high = binomial_limits(p * n, n, method, confidence)
    return (high - low) / 2


def _one_of(half_width: float | None, n: float | None) -> None:
    if (half_width is None) == (n is None):
        raise ValueError("give exactly one of half_width and n")


def _precision_only(n: float, half_width: float, name: str, **assumptions: Any) -> SampleSize:
    return SampleSize(
        n=whole(n), half_width=half_width, method=f"{name}, interval width", assumptions=assumptions
    )


_WORDS = {"wald": "Wald", **NAMES}
