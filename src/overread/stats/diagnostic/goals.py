"""Tests against a performance goal that was fixed before, and of non-inferiority and equivalence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, ndtr
from scipy.stats import binomtest

from overread.stats.interval import Interval
from overread.stats.intervals import paired_difference_ci, proportion_ci, proportion_difference_ci
from overread.stats.intervals.difference import paired_counts
from overread.stats.intervals.proportion import binomial_counts
from overread.stats.intervals.score import score_statistic, tango_statistic

Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class PerformanceGoalTest:
    """One proportion against a goal; the plan must say beforehand which of the two verdicts counts.

    ``estimate_meets_goal`` looks at the point estimate alone, ``limit_meets_goal`` at the confidence limit on the
    unfavourable side.
    """

    estimate: Interval
    goal: float
    alternative: str
    statistic: float
    p_value: float
    method: str
    estimate_meets_goal: bool
    limit_meets_goal: bool


@dataclass(frozen=True)
class NonInferiorityTest:
    """First less second against ``margin``; ``met`` is the claim tested, ``superior`` the stronger one."""

    difference: Interval
    margin: float
    statistic: float
    p_value: float
    method: str
    met: bool
    superior: bool


def performance_goal_test(
    successes: int,
    n: int,
    *,
    goal: float,
    alternative: Alternative = "greater",
    method: Literal["exact", "score"] = "exact",
    alpha: float = 0.025,
) -> PerformanceGoalTest:
    """Test of one proportion against ``goal``, such as sensitivity above 0.85.

    ``exact``: binomial test and Clopper-Pearson limits; the two-sided p sums all outcomes that are no more likely.
    ``score``: z with the variance at the goal, and Wilson limits. ``alpha`` is one-sided: the interval has
    confidence 1 - 2 alpha, so that its limit meets the goal exactly where p <= alpha; with ``two-sided``, alpha is
    split and the interval has confidence 1 - alpha. The statistic is the number of successes (exact) or z (score).

    Raises ValueError for impossible counts, or a goal or alpha outside 0 to 1.
    """
    if not 0 < goal < 1:
        raise ValueError(f"goal is {goal}, expected a proportion between 0 and 1")
    confidence = _confidence(alpha, alternative)
    interval = proportion_ci(
        successes, n, method="exact" if method == "exact" else "wilson", confidence=confidence
    )
    x, total = binomial_counts(successes, n)
    if method == "exact":
        statistic, name = float(x), "exact binomial"
        p_value = _binomial_p(x, total, goal, alternative)
    elif method == "score":
        statistic, name = (x / total - goal) / float(np.sqrt(goal * (1 - goal) / total)), "score"
        p_value = _normal_p(statistic, alternative)
    else:
        raise ValueError(f"method is {method!r}, expected 'exact' or 'score'")
    if alternative == "greater":
        verdicts = interval.estimate >= goal, interval.low >= goal
    elif alternative == "less":
        verdicts = interval.estimate <= goal, interval.high <= goal
    else:
        verdicts = interval.estimate != goal, not interval.low <= goal <= interval.high
    return PerformanceGoalTest(interval, goal, alternative, statistic, p_value, name, *verdicts)


def non_inferiority_test(
    x1: int,
    n1: int,
    x2: int,
    n2: int,
    *,
    margin: float,
    alternative: Literal["greater", "less"] = "greater",
    method: Literal["farrington-manning", "miettinen-nurminen"] = "farrington-manning",
    alpha: float = 0.025,
) -> NonInferiorityTest:
    """Is x1 / n1 not worse than x2 / n2 by ``margin`` or more? Independent samples.

    ``greater``: more is better; H0 is p1 - p2 <= -margin. ``less``: less is better; H0 is p1 - p2 >= margin.
    A margin of 0 tests superiority. Score tests with the variance under H0: Farrington and Manning (Stat Med
    1990;9:1447), or Miettinen and Nurminen (Stat Med 1985;4:213) with the variance times N / (N - 1). The interval
    is the inverted test at confidence 1 - 2 alpha.

    Raises ValueError for impossible counts, a negative margin or an alpha outside 0 to 1/2.
    """
    _check_margin(margin)
    if method not in ("farrington-manning", "miettinen-nurminen"):
        raise ValueError(f"method is {method!r}, expected 'farrington-manning' or 'miettinen-nurminen'")
    corrected = method == "miettinen-nurminen"
    x1, n1 = binomial_counts(x1, n1)
    x2, n2 = binomial_counts(x2, n2)
    interval = proportion_difference_ci(
        x1,
        n1,
        x2,
        n2,
        method="miettinen-nurminen" if corrected else "mee",
        confidence=_confidence(alpha, alternative),
    )
    null = -margin if alternative == "greater" else margin
    name = "Miettinen-Nurminen" if corrected else "Farrington-Manning"
    statistic = score_statistic(x1, n1, x2, n2, null, correction=corrected)
    return _judged(interval, margin, statistic, alternative, name, alpha)


def non_inferiority_test_paired(
    table: ArrayLike,
    *,
    margin: float,
    alternative: Literal["greater", "less"] = "greater",
    alpha: float = 0.025,
) -> NonInferiorityTest:
    """Is the first test not worse than the second by ``margin`` or more, in the same cases?

    ``table`` [[a, b], [c, d]]: rows are the first test (positive, negative), columns the second. Score test of
    (b - c) / n against the margin (Tango, Stat Med 1998;17:891); the interval is the inverted test at confidence
    1 - 2 alpha. ``alternative`` as in ``non_inferiority_test``.
    """
    _check_margin(margin)
    a, b, c, d = paired_counts(table)
    interval = paired_difference_ci(table, method="tango", confidence=_confidence(alpha, alternative))
    statistic = tango_statistic(b, c, a + b + c + d, -margin if alternative == "greater" else margin)
    return _judged(interval, margin, statistic, alternative, "Tango", alpha)


def equivalence_test(
    x1: int,
    n1: int,
    x2: int,
    n2: int,
    *,
    margin: float,
    method: Literal["farrington-manning", "miettinen-nurminen"] = "farrington-manning",
    alpha: float = 0.05,
) -> NonInferiorityTest:
    """Do x1 / n1 and x2 / n2 differ by less than ``margin`` either way? Two one-sided tests at ``alpha``.

    Schuirmann, J Pharmacokinet Biopharm 1987;15:657, with the score tests of ``non_inferiority_test``. The p-value
    is the larger of the two, the interval has confidence 1 - 2 alpha; ``superior`` is whether it lies above 0.
    """
    if margin <= 0:
        raise ValueError(f"margin is {margin}, expected a difference above 0")
    sides = [
        non_inferiority_test(
            x1, n1, x2, n2, margin=margin, alternative="greater", method=method, alpha=alpha
        ),
        non_inferiority_test(x1, n1, x2, n2, margin=margin, alternative="less", method=method, alpha=alpha),
    ]
    worse = max(sides, key=lambda one: one.p_value)
    met = all(one.met for one in sides)
    name = f"two one-sided tests, {worse.method}"
    return NonInferiorityTest(
        worse.difference, margin, worse.statistic, worse.p_value, name, met, worse.difference.low > 0
    )


def _judged(
    interval: Interval, margin: float, statistic: float, alternative: str, method: str, alpha: float
) -> NonInferiorityTest:
    p_value = _normal_p(statistic, alternative)
    superior = interval.low > 0 if alternative == "greater" else interval.high < 0
    return NonInferiorityTest(interval, margin, statistic, p_value, method, p_value <= alpha, superior)


def _confidence(alpha: float, alternative: str) -> float:
    if alternative not in ("two-sided", "greater", "less"):
        raise ValueError(f"alternative is {alternative!r}, expected 'two-sided', 'greater' or 'less'")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha is {alpha}, expected a number between 0 and 0.5 such as 0.025")
    return 1 - alpha if alternative == "two-sided" else 1 - 2 * alpha


def _check_margin(margin: float) -> None:
    if not 0 <= margin < 1:
        raise ValueError(f"margin is {margin}, expected a difference of proportions from 0 to below 1")


def _binomial_p(x: int, n: int, goal: float, alternative: str) -> float:
    if alternative == "greater":
        return float(betainc(x, n - x + 1, goal)) if x else 1.0
    if alternative == "less":
        return float(betainc(n - x, x + 1, 1 - goal)) if x < n else 1.0
    return float(binomtest(x, n, goal).pvalue)


def _normal_p(statistic: float, alternative: str) -> float:
    if alternative == "two-sided":
        return float(2 * ndtr(-abs(statistic)))
    return float(ndtr(-statistic if alternative == "greater" else statistic))
