"""A proportion against a performance goal: one arm, exact binomial test."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom

from overread.stats.arrays import Floats, Ints
from overread.stats.power.result import check_choice, check_open, whole, z_power


@dataclass(frozen=True)
class PerformanceGoalSize:
    """Size of a single-arm study that must show a proportion better than its goal.

    Power of an exact test is saw-toothed in n. ``first_n`` is the first n that reaches the wanted power;
    ``n`` (the safe one, which rpact reports too) is the smallest from which every larger n keeps it.
    ``critical`` successes or more of ``n`` (or fewer, where lower is better) reject the null hypothesis;
    ``power`` and ``level`` are what the test then really has. ``total`` is the number of cases to enrol so
    that ``n`` of them are expected to be of the class in question, where a prevalence was given.
    """

    n: int
    critical: int
    power: float
    level: float
    first_n: int
    first_critical: int
    first_power: float
    normal_n: float
    total: int | None
    method: str
    assumptions: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class PerformanceGoalPower:
    """Power of a single-arm exact test with ``n`` cases: reject at ``critical`` successes."""

    n: int
    critical: int | None
    power: float
    level: float
    method: str


def performance_goal(
    *,
    goal: float,
    expected: float,
    alpha: float = 0.025,
    power: float = 0.8,
    method: Literal["exact", "normal"] = "exact",
    prevalence: float | None = None,
) -> PerformanceGoalSize:
    """Cases needed to show, one-sided at ``alpha``, that a proportion beats ``goal`` if it is ``expected``.

    ``expected`` above ``goal``: such as sensitivity; below it: such as a recall rate that must be lower.
    ``exact`` searches the binomial test; its first and safe sizes differ (see ``PerformanceGoalSize``).
    ``normal``: the formula with the null variance under the null hypothesis, rounded up (Fleiss, Statistical
    Methods for Rates and Proportions, 2.3); its ``normal_n`` stands in both results.

    Raises ValueError where goal and expected are equal or not between 0 and 1.
    """
    check_choice("method", method, ("exact", "normal"))
    normal = _normal_n(goal, expected, alpha, power)
    if prevalence is not None:
        check_open("prevalence", prevalence)
    higher = expected > goal
    # In failures instead of successes, "lower is better" is the same problem.
    null, alternative = (goal, expected) if higher else (1 - goal, 1 - expected)
    if method == "normal":
        n = first = int(whole(normal))
    else:
        first, n = _search(null, alternative, alpha, power, normal)
    critical, achieved, level = (a[0] for a in _exact(np.array([n]), null, alternative, alpha))
    first_critical, first_power, _ = (a[0] for a in _exact(np.array([first]), null, alternative, alpha))
    total = None if prevalence is None else int(np.ceil(n / prevalence - 1e-9))
    return PerformanceGoalSize(
        n=n,
        critical=int(critical if higher else n - critical),
        power=float(achieved),
        level=float(level),
        first_n=first,
        first_critical=int(first_critical if higher else first - first_critical),
        first_power=float(first_power),
        normal_n=normal,
        total=total,
        method="exact binomial, one-sided" if method == "exact" else "normal approximation, one-sided",
        assumptions={
            "goal": goal,
            "expected": expected,
            "alpha": alpha,
            "power": power,
            "prevalence": prevalence,
        },
    )


def performance_goal_power(
    *, n: int, goal: float, expected: float, alpha: float = 0.025
) -> PerformanceGoalPower:
    """Power of the one-sided exact binomial test of ``goal`` with ``n`` cases if the truth is ``expected``.

    ``critical`` is None where n is too small for the test ever to reject.
    """
    _check(goal, expected, alpha)
    if int(n) != n or n < 1:
        raise ValueError(f"n is {n}, expected a whole number, 1 or more")
    higher = expected > goal
    null, alternative = (goal, expected) if higher else (1 - goal, 1 - expected)
    critical, power, level = (a[0] for a in _exact(np.array([int(n)]), null, alternative, alpha))
    count = None if critical > n else int(critical if higher else n - critical)
    return PerformanceGoalPower(int(n), count, float(power), float(level), "exact binomial, one-sided")


def _check(goal: float, expected: float, alpha: float) -> None:
    check_open("goal", goal)
    check_open("expected", expected)
    check_open("alpha", alpha)
    if goal == expected:
        raise ValueError(f"expected equals the goal ({goal}); no size shows a difference that is not there")


def _normal_n(goal: float, expected: float, alpha: float, power: float) -> float:
    _check(goal, expected, alpha)
    spread = ndtri(1 - alpha) * np.sqrt(goal * (1 - goal))
    spread += z_power(power) * np.sqrt(expected * (1 - expected))
    return float(max(1.0, (spread / (expected - goal)) ** 2))


def _exact(n: Ints, null: float, alternative: float, alpha: float) -> tuple[Ints, Floats, Floats]:
    """Critical count, power and true level of the upper one-sided test for each n."""
    critical = binom.ppf(1 - alpha, n, null).astype(np.int64) + 1
    # ppf can be one off where a cumulative probability equals 1 - alpha within rounding.
    critical = np.where(binom.sf(critical - 2, n, null) <= alpha, critical - 1, critical)
    return critical, binom.sf(critical - 1, n, alternative), binom.sf(critical - 1, n, null)


def _search(null: float, alternative: float, alpha: float, power: float, normal: float) -> tuple[int, int]:
    """First n with the wanted power, and the first after the last n without it."""
    # One step of the saw is worth about 1 / (alternative - null) cases; the last n that fails lies within a
    # few steps of the normal answer. The search widens until its upper half is free of failures.
    stop = int(2 * normal + 20 / (alternative - null) + 50)
    while True:
        n = np.arange(1, stop + 1)
        enough = _exact(n, null, alternative, alpha)[1] >= power
        failing = int(n[~enough].max(initial=0))
        if failing < 0.75 * stop:
            return int(n[enough][0]), failing + 1
        stop *= 2
