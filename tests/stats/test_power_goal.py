from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from overread.stats.power import performance_goal, performance_goal_power

# Exact binomial test, one-sided .025, power .80; sizes found by search in two languages, and by rpact for the
# first. Powers are the exact rational sums (for n = 113 the published table prints .84284, which is a slip).
PAIRS = [
    (0.75, 0.85, 132, 142, 117, 0.83863, 132.06795),
    (0.8, 0.9, 107, 113, 99, 0.84272, 107.42741),
    (0.775, 0.825, 510, 539, 437, 0.82345, 518.2313),
    (0.85, 0.95, 75, 84, 78, 0.8728, 78.01734),
]


@pytest.mark.parametrize(("goal", "truth", "first", "safe", "critical", "power", "normal"), PAIRS)
def test_first_and_safe_size(
    goal: float, truth: float, first: int, safe: int, critical: int, power: float, normal: float
) -> None:
    found = performance_goal(goal=goal, expected=truth)
    assert (found.first_n, found.n, found.critical) == (first, safe, critical)
    assert found.power == pytest.approx(power, abs=6e-6)
    assert found.normal_n == pytest.approx(normal, rel=1e-6)
    assert found.level <= 0.025 and found.first_power >= 0.8
    assert performance_goal(goal=goal, expected=truth, method="normal").n == np.ceil(normal)


def test_power_falls_again_after_the_first_size() -> None:
    """The saw-tooth: enough at 132, not enough at some n up to 141, enough from 142 on."""
    powers = [performance_goal_power(n=n, goal=0.75, expected=0.85).power for n in range(132, 400)]
    assert powers[0] >= 0.8 and min(powers[:10]) < 0.8 and powers[9] < 0.8
    assert min(powers[10:]) >= 0.8


@settings(max_examples=40)
@given(goal=st.floats(0.1, 0.9), n=st.integers(1, 300), gap=st.floats(0.02, 0.09), up=st.booleans())
def test_power_by_brute_force(goal: float, n: int, gap: float, up: bool) -> None:
    truth = goal + gap if up else goal - gap
    found = performance_goal_power(n=n, goal=goal, expected=truth, alpha=0.05)
    x = np.arange(n + 1)
    tail = binom.sf(x - 1, n, goal) if up else binom.cdf(x, n, goal)
    rejecting = tail <= 0.05
    assert found.power == pytest.approx(binom.pmf(x, n, truth)[rejecting].sum(), abs=1e-12)
    assert found.level == pytest.approx(binom.pmf(x, n, goal)[rejecting].sum(), abs=1e-12)
    assert (found.critical is None) == (not rejecting.any())
    if found.critical is not None:
        assert found.critical == (x[rejecting].min() if up else x[rejecting].max())


def test_a_rate_that_must_be_low() -> None:
    low, high = performance_goal(goal=0.25, expected=0.15), performance_goal(goal=0.75, expected=0.85)
    assert (low.n, low.power, low.critical) == (high.n, high.power, high.n - high.critical)


def test_positives_come_with_a_prevalence() -> None:
    assert performance_goal(goal=0.75, expected=0.85, prevalence=0.1).total == 1420


@pytest.mark.parametrize(
    ("goal", "truth", "alpha", "match"),
    [(0.8, 0.8, 0.025, "equals"), (1.0, 0.9, 0.025, "goal"), (0.8, 0.9, 0.0, "alpha")],
)
def test_what_cannot_be(goal: float, truth: float, alpha: float, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        performance_goal(goal=goal, expected=truth, alpha=alpha)
    with pytest.raises(ValueError, match=match):
        performance_goal_power(n=100, goal=goal, expected=truth, alpha=alpha)


def test_a_size_must_be_whole() -> None:
    with pytest.raises(ValueError, match="whole"):
        performance_goal_power(n=0, goal=0.8, expected=0.9)
    assert performance_goal_power(n=1, goal=0.8, expected=0.9).critical is None
