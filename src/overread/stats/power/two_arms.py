"""Sizes for two arms: proportions, means, and paired proportions (McNemar)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom, nct
from scipy.stats import t as student

from overread.stats.power.precision import smallest
from overread.stats.power.result import (
    Alternative,
    SampleSize,
    check_choice,
    check_open,
    check_positive,
    two_groups,
    whole,
    z_alpha,
    z_power,
)


def two_proportions(
    *,
    p1: float,
    p2: float,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    ratio: float = 1.0,
    method: Literal["pooled", "unpooled", "arcsine", "continuity"] = "pooled",
    strict: bool = False,
    design_effect: float = 1.0,
    round_up: bool = True,
) -> SampleSize:
    """Cases in two independent arms to show that two proportions differ, or the power of ``n`` in all.

    ``ratio`` is the first arm's size over the second's. ``pooled``: variance pooled under the null hypothesis
    (Fleiss 1981; R's power.prop.test, rpact). ``unpooled``: variance of the alternative throughout.
    ``continuity``: pooled with the correction of Fleiss, Tytun and Ury (Biometrics 1980;36:343), near Fisher's
    test. ``arcsine``: Cohen's effect h, both tails counted (R's pwr, statsmodels). ``strict`` counts the tail
    opposite to the difference for the other methods too (R's option of that name). ``design_effect``
    multiplies the size (clusters). Numbers are rounded up arm by arm.

    Raises ValueError where the proportions are equal or outside 0 to 1.
    """
    check_open("p1", p1)
    check_open("p2", p2)
    check_positive("ratio", ratio)
    check_positive("design_effect", design_effect)
    check_choice("method", method, ("pooled", "unpooled", "arcsine", "continuity"))
    _signed(p1 - p2, alternative)
    z, both = z_alpha(alpha, alternative), alternative == "two-sided"
    pooled = (ratio * p1 + p2) / (1 + ratio)

    def achieved(second: float) -> float:
        second = second / design_effect
        if method == "arcsine":
            h = 2 * np.arcsin(np.sqrt(p1)) - 2 * np.arcsin(np.sqrt(p2))
            shift = abs(h) * np.sqrt(second * ratio / (1 + ratio))
            return float(ndtr(shift - z) + (ndtr(-shift - z) if both else 0.0))
        difference = abs(p1 - p2)
        if method == "continuity":
            difference -= (1 + 1 / ratio) / (2 * second)
        actual = np.sqrt((p1 * (1 - p1) / ratio + p2 * (1 - p2)) / second)
        null = np.sqrt(pooled * (1 - pooled) * (1 + 1 / ratio) / second) if method != "unpooled" else actual
        other = ndtr((-difference - z * null) / actual) if strict and both else 0.0
        return float(ndtr((difference - z * null) / actual) + other)

    arms = _arms(achieved, power, n, ratio, round_up, design_effect)
    return SampleSize(
        n=sum(arms),
        power=achieved(arms[1]),
        groups={"arm 1": arms[0], "arm 2": arms[1]},
        method=f"two proportions, {method} normal test, {alternative}",
        assumptions={
            "p1": p1,
            "p2": p2,
            "alpha": alpha,
            "power": power if n is None else None,
            "ratio": ratio,
            "design_effect": design_effect,
        },
    )


def two_means(
    *,
    difference: float,
    sd: float = 1.0,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    ratio: float = 1.0,
    method: Literal["t", "normal"] = "t",
    strict: bool = False,
    design_effect: float = 1.0,
    round_up: bool = True,
) -> SampleSize:
    """Cases in two independent arms to show a ``difference`` of means with a common ``sd``, or power of ``n``.

    ``t``: noncentral t distribution (R's power.t.test, statsmodels). ``strict`` counts the tail opposite to
    the difference as well, as statsmodels does. ``normal``: known variance. ``ratio`` is first over second.
    """
    check_positive("sd", sd)
    check_positive("ratio", ratio)
    check_positive("design_effect", design_effect)
    check_choice("method", method, ("t", "normal"))
    _signed(difference, alternative)
    z, both = z_alpha(alpha, alternative), alternative == "two-sided"
    tail = alpha / 2 if both else alpha

    def achieved(second: float) -> float:
        shift = abs(difference) / sd * np.sqrt(second / design_effect * ratio / (1 + ratio))
        if method == "normal":
            return float(ndtr(shift - z) + (ndtr(-shift - z) if strict and both else 0.0))
        df = second * (1 + ratio) - 2
        if df <= 0:
            return 0.0
        critical = student.isf(tail, df)
        return float(
            nct.sf(critical, df, shift) + (nct.cdf(-critical, df, shift) if strict and both else 0.0)
        )

    arms = _arms(achieved, power, n, ratio, round_up, design_effect)
    return SampleSize(
        n=sum(arms),
        power=achieved(arms[1]),
        groups={"arm 1": arms[0], "arm 2": arms[1]},
        method=f"two means, {'t' if method == 't' else 'normal'} test, {alternative}",
        assumptions={
            "difference": difference,
            "sd": sd,
            "alpha": alpha,
            "power": power if n is None else None,
            "ratio": ratio,
            "design_effect": design_effect,
        },
    )


def paired_proportions(
    *,
    p10: float,
    p01: float,
    power: float = 0.8,
    n: int | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    method: Literal["connor", "miettinen", "exact"] = "connor",
) -> SampleSize:
    """Pairs for McNemar's test, or the power of ``n`` pairs.

    ``p10`` and ``p01`` are the shares of pairs where only the first and only the second is positive (see
    ``discordant`` for these from two sensitivities). ``connor``: unconditional (Connor, Biometrics
    1987;43:207). ``miettinen``: conditional (Biometrics 1968;24:339). ``exact``: power of the exact test over
    the number of discordant pairs; the n is the safe one, from which all larger keep the power.

    Raises ValueError where the two are equal or add up to more than 1.
    """
    check_choice("method", method, ("connor", "miettinen", "exact"))
    if min(p10, p01) < 0 or not 0 < p10 + p01 <= 1:
        raise ValueError(f"p10 = {p10} and p01 = {p01}, expected shares of pairs that add up to 1 at most")
    _signed(p10 - p01, alternative)
    z, psi, d = z_alpha(alpha, alternative), p10 + p01, abs(p10 - p01)

    def achieved(pairs: float) -> float:
        if method == "exact":
            return _exact_mcnemar(int(pairs), psi, max(p10, p01) / psi, alpha, alternative)
        spread = psi - d**2 if method == "connor" else psi - d**2 * (3 + psi) / (4 * psi)
        return float(ndtr((d * np.sqrt(pairs) - z * np.sqrt(psi)) / np.sqrt(spread)))

    if n is None:
        z_power(power)
        if method == "exact":
            guess = float(
                paired_proportions(
                    p10=p10, p01=p01, power=power, n=None, alpha=alpha, alternative=alternative
                ).n
            )
            n = _safe(achieved, power, int(guess))
        else:
            n = int(whole(smallest(lambda pairs: achieved(pairs) >= power)))
    check_positive("n", n)
    return SampleSize(
        n=n,
        power=achieved(n),
        events=n * psi,
        method=f"McNemar, {method}, {alternative}",
        assumptions={"p10": p10, "p01": p01, "alpha": alpha, "power": power},
        note="events are the expected discordant pairs",
    )


def discordant_proportions(*, p1: float, p2: float, correlation: float = 0.0) -> tuple[float, float]:
    """Shares of discordant pairs (p10, p01) of two proportions on the same cases with phi ``correlation``.

    Raises ValueError where that correlation is impossible for these proportions.
    """
    check_open("p1", p1)
    check_open("p2", p2)
    both = p1 * p2 + correlation * np.sqrt(p1 * (1 - p1) * p2 * (1 - p2))
    if not max(0.0, p1 + p2 - 1) - 1e-12 <= both <= min(p1, p2) + 1e-12:
        raise ValueError(f"correlation {correlation} cannot occur between proportions {p1} and {p2}")
    return float(p1 - both), float(p2 - both)


def _arms(
    achieved: Any, power: float, n: float | None, ratio: float, round_up: bool, effect: float
) -> tuple[float, float]:
    if n is not None:
        return two_groups(n, ratio)
    z_power(power)
    # A t test needs more than two cases before it has any power at all.
    second = smallest(lambda size: achieved(size) >= power, start=max(1e-3, 1e-3 * effect))
    second = whole(second, round_up=round_up)
    return whole(second * ratio, round_up=round_up), second


def _exact_mcnemar(n: int, psi: float, share: float, alpha: float, alternative: Alternative) -> float:
    m = np.arange(n + 1)
    tail = alpha / 2 if alternative == "two-sided" else alpha
    critical = binom.ppf(1 - tail, m, 0.5).astype(int) + 1
    power = binom.sf(critical - 1, m, share)
    if alternative == "two-sided":
        power = power + binom.cdf(m - critical, m, share)
    return float(binom.pmf(m, n, psi) @ power)


def _safe(achieved: Any, power: float, guess: int) -> int:
    stop = int(1.6 * guess + 60)
    while True:
        values = np.array([achieved(pairs) for pairs in range(max(1, guess // 2), stop + 1)])
        failing = np.flatnonzero(values < power)
        last = max(1, guess // 2) + int(failing.max(initial=-1))
        if last < 0.85 * stop:
            return last + 1
        stop *= 2


def _signed(difference: float, alternative: Alternative) -> None:
    check_choice("alternative", alternative, ("two-sided", "greater", "less"))
    if difference == 0:
        raise ValueError("the expected difference is 0; no size shows a difference that is not there")
    if (alternative == "greater" and difference < 0) or (alternative == "less" and difference > 0):
        raise ValueError(f"the expected difference is {difference:+g}, but alternative is {alternative!r}")
