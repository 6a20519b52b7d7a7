"""Sizes for the area under the ROC curve: its precision, one area against a goal, two areas compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from overread.stats.arrays import check_confidence
from overread.stats.power.precision import smallest
from overread.stats.power.result import (
    Alternative,
    SampleSize,
    check_choice,
    check_open,
    check_positive,
    whole,
    z_alpha,
    z_power,
)
from overread.stats.roc.hanley import hanley_mcneil_variance

AucMethod = Literal["binormal", "obuchowski", "hanley-mcneil", "newcombe"]
_METHODS = ("binormal", "obuchowski", "hanley-mcneil", "newcombe")


def auc_standard_error(
    *, auc: float, positives: float, negatives: float, method: AucMethod = "hanley-mcneil"
) -> float:
    """Expected standard error of an AUC with so many positive and negative cases.

    ``hanley-mcneil``: exponential scores (Radiology 1982;143:29). ``newcombe``: the same with both group
    sizes set to their mean (Stat Med 2006;25:559, method 4). ``binormal``: normal scores of equal spread, delta
    method. ``obuchowski``: the same without the covariance of the two binormal parameters, which makes it too
    large for high areas, with the constants as printed (Obuchowski et al., Clin Chem 2004;50:1118; pROC).
    """
    check_open("auc", auc)
    check_positive("positives", positives)
    check_positive("negatives", negatives)
    check_choice("method", method, _METHODS)
    if method == "obuchowski":
        return float(np.sqrt(_obuchowski(auc, negatives / positives) / positives))
    if method == "binormal":
        return float(np.sqrt(_covariance(auc, auc, 1.0, 1.0, negatives / positives) / positives))
    if method == "hanley-mcneil":
        return float(np.sqrt(hanley_mcneil_variance(auc, positives, negatives)))
    middle = (positives + negatives) / 2
    variance = hanley_mcneil_variance(auc, middle, middle) * middle**2
    return float(np.sqrt(variance / (positives * negatives)))


def auc_precision(
    *,
    auc: float,
    half_width: float | None = None,
    n: float | None = None,
    prevalence: float = 0.5,
    method: AucMethod = "hanley-mcneil",
    confidence: float = 0.95,
    round_up: bool = True,
) -> SampleSize:
    """Cases for an AUC known within ``half_width``, or the half width that ``n`` cases give.

    ``prevalence`` is the share of positives among the cases; standard errors by ``auc_standard_error``, plain
    interval. With ``newcombe`` this is the size of Riley et al. (Stat Med 2021;40:4230) for a C-statistic.
    Raises ValueError unless exactly one of ``half_width`` and ``n`` is given.
    """
    check_open("prevalence", prevalence)
    check_confidence(confidence)
    z = float(ndtri(0.5 + confidence / 2))

    def half(size: float) -> float:
        return z * auc_standard_error(
            auc=auc, positives=size * prevalence, negatives=size * (1 - prevalence), method=method
        )

    if (half_width is None) == (n is None):
        raise ValueError("give exactly one of half_width and n")
    if half_width is not None:
        check_open("half_width", half_width)
        n = whole(smallest(lambda size: half(size) <= half_width, start=4), round_up=round_up)
    size = 0 if n is None else n
    positives = whole(size * prevalence, round_up=round_up)
    return SampleSize(
        n=size,
        half_width=half(size),
        events=positives,
        groups={"positive": positives, "negative": size - positives},
        method=f"plain interval, {method} standard error",
        assumptions={
            "auc": auc,
            "prevalence": prevalence,
            "confidence": confidence,
            "half_width": half_width,
        },
    )


def auc_goal(
    *,
    auc: float,
    goal: float = 0.5,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    alternative: Alternative = "two-sided",
    method: AucMethod = "obuchowski",
    positives: float | None = None,
    negatives: float | None = None,
    round_up: bool = True,
) -> SampleSize:
    """Positive and negative cases to show that an AUC differs from ``goal``, or the power of given numbers.

    n = (z_alpha sqrt(V0) + z_beta sqrt(V1))^2 / (auc - goal)^2 positives, variances at the goal and at the
    expected AUC (Obuchowski et al., Clin Chem 2004;50:1118, formulas 2 and 3; rather cautious for areas above
    .8), ``ratio`` negatives a positive. With ``positives`` and ``negatives`` given, their power is returned instead.

    Raises ValueError where auc equals the goal or lies on the wrong side of it for the alternative.
    """
    check_open("auc", auc)
    check_open("goal", goal)
    _direction(auc - goal, alternative)

    def spread(n_pos: float, k: float) -> tuple[float, float]:
        return (
            auc_standard_error(auc=goal, positives=n_pos, negatives=k * n_pos, method=method),
            auc_standard_error(auc=auc, positives=n_pos, negatives=k * n_pos, method=method),
        )

    assumptions: dict[str, Any] = {
        "auc": auc,
        "goal": goal,
        "alpha": alpha,
        "power": power,
        "alternative": alternative,
    }
    name = f"AUC against a goal, {method} variance, {alternative}"
    return _solve(
        abs(auc - goal),
        spread,
        z_alpha(alpha, alternative),
        power,
        ratio,
        (positives, negatives),
        round_up,
        name,
        assumptions,
    )


def auc_difference(
    *,
    auc1: float,
    auc2: float,
    correlation: float | None = None,
    correlation_positive: float = 0.0,
    correlation_negative: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    alternative: Alternative = "two-sided",
    method: AucMethod = "binormal",
    positives: float | None = None,
    negatives: float | None = None,
    round_up: bool = True,
) -> SampleSize:
    """Cases to show that two tests read on the same cases differ in AUC, or the power of given numbers.

    ``auc1`` is the reference. The covariance of the areas comes either from their ``correlation`` (Hanley and
    McNeil, Radiology 1983;148:839), or, for ``binormal`` and ``obuchowski``, from the correlations of
    the two tests' scores among positive and among negative cases (Obuchowski and McClish, Stat Med
    1997;16:1529, equal spreads).
    Zero correlations are two independent groups, each of the size given. V0 takes both areas as ``auc1``.

    Raises ValueError where the areas are equal, both kinds of correlation are given, or one is not in [-1, 1).
    """
    check_open("auc1", auc1)
    check_open("auc2", auc2)
    _direction(auc2 - auc1, alternative)
    check_positive("ratio", ratio)
    by_scores = correlation_positive != 0 or correlation_negative != 0
    if by_scores and (correlation is not None or method not in ("binormal", "obuchowski")):
        raise ValueError(
            "give correlation of the areas, or correlations of the scores with method='binormal'"
        )
    for value in (correlation or 0.0, correlation_positive, correlation_negative):
        if not -1 <= value < 1:
            raise ValueError(f"correlation is {value}, expected -1 to below 1")

    def spread(n_pos: float, k: float) -> tuple[float, float]:
        one = auc_standard_error(auc=auc1, positives=n_pos, negatives=k * n_pos, method=method)
        two = auc_standard_error(auc=auc2, positives=n_pos, negatives=k * n_pos, method=method)
        if by_scores:
            covariance = _covariance(auc1, auc2, correlation_positive, correlation_negative, k) / n_pos
        else:
            covariance = (correlation or 0.0) * one * two
        return float(np.sqrt(2 * one**2 - 2 * covariance)), float(np.sqrt(one**2 + two**2 - 2 * covariance))

    assumptions: dict[str, Any] = {
        "auc1": auc1,
        "auc2": auc2,
        "correlation": correlation,
        "correlation_positive": correlation_positive,
        "correlation_negative": correlation_negative,
        "alpha": alpha,
        "power": power,
        "alternative": alternative,
    }
    name = f"difference of two AUCs on the same cases, {method} variance, {alternative}"
    return _solve(
        abs(auc2 - auc1),
        spread,
        z_alpha(alpha, alternative),
        power,
        ratio,
        (positives, negatives),
        round_up,
        name,
        assumptions,
    )


def detectable_auc(
    *,
    positives: float,
    negatives: float,
    goal: float = 0.5,
    alpha: float = 0.05,
    power: float = 0.8,
    alternative: Alternative = "two-sided",
    method: AucMethod = "obuchowski",
) -> float:
    """The smallest AUC above ``goal`` that so many cases show with ``power`` (see ``auc_goal``)."""
    check_open("goal", goal)
    z_power(power)

    def gap(auc: float) -> float:
        found = auc_goal(
            auc=auc,
            goal=goal,
            alpha=alpha,
            power=0.5,
            ratio=1,
            alternative=alternative,
            method=method,
            positives=positives,
            negatives=negatives,
        )
        return float(found.power or 0.0) - power

    low, high = goal + 1e-9 * (1 - goal), 1 - 1e-9
    if gap(high) < 0:
        raise ValueError(f"{positives:g} positives and {negatives:g} negatives show no AUC with that power")
    return float(brentq(gap, low, high, xtol=1e-12))


def _solve(
    difference: float,
    spread: Callable[[float, float], tuple[float, float]],
    z: float,
    power: float,
    ratio: float,
    given: tuple[float | None, float | None],
    round_up: bool,
    method: str,
    assumptions: dict[str, Any],
) -> SampleSize:
    zb = z_power(power)
    check_positive("ratio", ratio)
    if (given[0] is None) != (given[1] is None):
        raise ValueError("give both positives and negatives, or neither")
    if given[0] is not None and given[1] is not None:
        positives, negatives = float(given[0]), float(given[1])
    else:

        def enough(n_pos: float) -> bool:
            null, alternative = spread(n_pos, ratio)
            return z * null + zb * alternative <= difference

        needed = smallest(enough, start=0.5)
        positives, negatives = whole(needed, round_up=round_up), whole(needed * ratio, round_up=round_up)
    null, alternative = spread(positives, negatives / positives)
    return SampleSize(
        n=positives + negatives,
        power=float(ndtr((difference - z * null) / alternative)),
        events=positives,
        groups={"positive": positives, "negative": negatives},
        method=method,
        assumptions=assumptions,
    )


def _direction(difference: float, alternative: Alternative) -> None:
    if difference == 0:
        raise ValueError("the expected AUC equals the one it is compared with; no size shows a difference")
    if (alternative == "greater" and difference < 0) or (alternative == "less" and difference > 0):
        raise ValueError(f"the expected difference is {difference:+g}, but alternative is {alternative!r}")


def _obuchowski(auc: float, ratio: float) -> float:
    """Variance times the number of positives; 1.414 and 0.0099 as in the paper (and pROC)."""
    a = 1.414 * float(ndtri(auc))
    return float(0.0099 * np.exp(-(a**2) / 2) * (5 * a**2 + 8 + (a**2 + 8) / ratio))


def _covariance(auc1: float, auc2: float, positive: float, negative: float, ratio: float) -> float:
    """Covariance of two binormal areas (equal spreads) times the number of positives, by the delta method.

    Per positive case: cov(A1, A2) = r+ + r- / k + A1 A2 r+^2 / 2, cov(B1, B2) = (r-^2 + k r+^2) / (2 k),
    cov(A1, B2) = A1 r+^2 / 2, for k negatives a positive; dAUC/dA and dAUC/dB of Phi(A / sqrt(1 + B^2)).
    """
    a1, a2 = np.sqrt(2) * ndtri(auc1), np.sqrt(2) * ndtri(auc2)
    f1, f2 = (np.exp(-(a**2) / 4) / (2 * np.sqrt(np.pi)) for a in (a1, a2))
    g1, g2 = -a1 * f1 / 2, -a2 * f2 / 2
    both = positive + negative / ratio + a1 * a2 * positive**2 / 2
    slopes = (negative**2 + ratio * positive**2) / (2 * ratio)
    crossed = f1 * g2 * a1 * positive**2 / 2 + f2 * g1 * a2 * positive**2 / 2
    return float(f1 * f2 * both + g1 * g2 * slopes + crossed)
