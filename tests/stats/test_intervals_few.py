"""Means of few cases: limits that cover, in simulations with a fixed seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from overread.stats.intervals import mean_ci, ratio_ci
from overread.stats.intervals.few import FEW, bounded_mean_ci

DRAWS = 250


def _dice(generator: np.random.Generator, n: int) -> NDArray[np.float64]:
    """As Dice is: mostly high, one case in ten missed."""
    return np.where(generator.random(n) < 0.1, 0.0, generator.beta(20, 2, n))


@pytest.mark.parametrize("n", [2, 4, 8, FEW - 1])
def test_a_mean_of_few_cases_is_covered(n: int) -> None:
    generator = np.random.default_rng(n)
    true = 0.9 * 20 / 22
    held = 0
    for _ in range(DRAWS):
        found = mean_ci(_dice(generator, n), bounds=(0, 1))
        held += found.low <= true <= found.high
        assert found.low <= found.estimate <= found.high and found.n == n
    assert held / DRAWS >= 0.95


@pytest.mark.parametrize(("n", "most"), [(2, 0.6), (8, 0.75)])
def test_the_bootstrap_does_not_cover_them(n: int, most: float) -> None:
    """Which is why it is not taken."""
    generator = np.random.default_rng(n)
    held = 0
    for _ in range(DRAWS):
        x = _dice(generator, n)
        if np.ptp(x) > 0:
            found = mean_ci(x, method="percentile", resamples=300)
            held += found.low <= 0.9 * 20 / 22 <= found.high
    assert held / DRAWS < most


def test_the_limits_know_no_order_and_follow_their_bounds() -> None:
    x = np.array([0.9, 0.2, 0.8, 0.85, 0.7])
    found = bounded_mean_ci(x, (0, 1), 0.95)
    assert bounded_mean_ci(x[::-1], (0, 1), 0.95) == found
    mirrored = bounded_mean_ci(1 - x, (0, 1), 0.95)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=0.02)
    wide = bounded_mean_ci(10 * x - 5, (-5, 5), 0.95)
    assert (wide.low, wide.high) == pytest.approx((10 * found.low - 5, 10 * found.high - 5))


def test_more_cases_narrow_the_limits() -> None:
    generator = np.random.default_rng(0)
    widths = [
        np.mean(
            [
                np.subtract(*(lambda i: (i.high, i.low))(bounded_mean_ci(_dice(generator, n), (0, 1), 0.95)))
                for _ in range(20)
            ]
        )
        for n in (3, 6, 12)
    ]
    assert widths[0] > widths[1] > widths[2]


def test_without_bounds_it_is_students_t() -> None:
    x = np.random.default_rng(0).normal(3, 2, 9)
    low, high = stats.t.interval(0.95, 8, x.mean(), stats.sem(x))
    found = mean_ci(x)
    assert (found.low, found.high) == pytest.approx((low, high)) and found.method == "Student's t"
    with pytest.raises(ValueError, match="4 independent cases have no interval"):
        mean_ci(x[:4])


def test_patients_and_not_images_are_few() -> None:
    x = np.repeat(np.random.default_rng(0).beta(8, 2, 5), 20)
    found = mean_ci(x, cluster=np.repeat(np.arange(5), 20), bounds=(0, 1))
    assert found.method == "betting" and found.n == 5
    assert found == mean_ci(x[::20], bounds=(0, 1)) or found.low == pytest.approx(
        mean_ci(x[::20], bounds=(0, 1)).low
    )


def test_a_pooled_share_of_few_cases_is_covered() -> None:
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(DRAWS):
        there = generator.integers(1, 5, 6).astype(float)
        found = ratio_ci(generator.binomial(there.astype(int), 0.8), there)
        held += found.low <= 0.8 <= found.high
    assert held / DRAWS >= 0.93
