from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import binom, multinomial

from overread.stats.diagnostic import non_inferiority_test
from overread.stats.intervals import paired_difference_ci, proportion_difference_ci
from overread.stats.intervals.score import restricted_proportions, score_statistic, tango_statistic

# Newcombe, Stat Med 1998;17:873, table II: limits by methods 10, 6 and 5.
NEWCOMBE = {
    (56, 70, 48, 80): [(0.0524, 0.3339), (0.0528, 0.3382), (0.0533, 0.3377)],
    (9, 10, 3, 10): [(0.1705, 0.8090), (0.1700, 0.8406), (0.1821, 0.8370)],
    (6, 7, 2, 7): [(0.0582, 0.8062), (0.0342, 0.8534), (0.0544, 0.8478)],
    (5, 56, 0, 29): [(-0.0381, 0.1926), (-0.0326, 0.1933), (-0.0313, 0.1926)],
    (0, 10, 0, 20): [(-0.1611, 0.2775), (-0.1658, 0.2844), (-0.1611, 0.2775)],
    (0, 10, 0, 10): [(-0.2775, 0.2775), (-0.2879, 0.2879), (-0.2775, 0.2775)],
    (10, 10, 0, 20): [(0.6791, 1.0), (0.7156, 1.0), (0.7225, 1.0)],
    (10, 10, 0, 10): [(0.6075, 1.0), (0.6636, 1.0), (0.6777, 1.0)],
}


@pytest.mark.parametrize("counts", NEWCOMBE)
def test_published_differences(counts: tuple[int, int, int, int]) -> None:
    for method, limits in zip(("newcombe", "miettinen-nurminen", "mee"), NEWCOMBE[counts], strict=True):
        found = proportion_difference_ci(*counts, method=method)  # type: ignore[arg-type]
        assert (found.low, found.high) == pytest.approx(limits, abs=6e-5), method


def test_published_paired_difference() -> None:
    """Presidential approval (Agresti, Categorical Data Analysis); Tango's score interval, Stat Med 1998;17:891."""
    found = paired_difference_ci([[794, 150], [86, 570]])
    assert found.estimate == pytest.approx(0.04)
    assert [found.low, found.high] == pytest.approx([0.0213615648, 0.0589980333], rel=1e-6)


@pytest.mark.parametrize(
    ("table", "limits"),
    [
        # Newcombe, Stat Med 1998;17:2635, table III, method 10.
        ([[36, 12], [2, 0]], (0.0569, 0.3404)),
        ([[0, 12], [2, 36]], (0.0569, 0.3404)),
    ],
)
def test_published_hybrid_paired(table: list, limits: tuple[float, float]) -> None:
    found = paired_difference_ci(table, method="newcombe")
    assert (found.low, found.high) == pytest.approx(limits, abs=6e-5)


counts = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@settings(max_examples=50)
@given(counts)
def test_differences_of_any_counts(given: tuple[int, int, int, int]) -> None:
    x1, n1, x2, n2 = given
    for method in ("newcombe", "miettinen-nurminen", "mee"):
        found = proportion_difference_ci(*given, method=method)  # type: ignore[arg-type]
        turned = proportion_difference_ci(x2, n2, x1, n1, method=method)  # type: ignore[arg-type]
        assert -1 <= found.low <= found.estimate + 1e-12 <= found.high + 2e-12 <= 1 + 3e-12
        assert (found.low, found.high) == pytest.approx((-turned.high, -turned.low), abs=1e-7)
        assert found.n == n1 + n2


@settings(max_examples=50)
@given(counts)
def test_newcombe_agrees_with_statsmodels(given: tuple[int, int, int, int]) -> None:
    statsmodels = pytest.importorskip("statsmodels.stats.proportion")
    found = proportion_difference_ci(*given)
    assert (found.low, found.high) == pytest.approx(
        statsmodels.confint_proportions_2indep(*given, compare="diff", method="newcomb"), abs=1e-9
    )


@settings(max_examples=50)
@given(counts, st.floats(-0.9, 0.9))
def test_restricted_proportions_are_the_likeliest(given: tuple[int, int, int, int], d: float) -> None:
    x1, n1, x2, n2 = given
    first, second = restricted_proportions(*given, d)
    assert first - second == pytest.approx(d, abs=1e-7)
    grid = np.linspace(max(0, d), min(1, 1 + d), 2001)[1:-1]

    def loglik(p: np.ndarray) -> np.ndarray:
        return binom.logpmf(x1, n1, p) + binom.logpmf(x2, n2, np.clip(p - d, 0, 1))

    # The closed form loses a few digits in its arc cosine where the cubic's roots coincide.
    inside = np.clip(first, grid[0], grid[-1])
    assert loglik(np.array([inside]))[0] >= loglik(grid).max() - 1e-3


@settings(max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(any))
def test_tango_inverts_its_statistic(cells: list[int]) -> None:
    a, b, c, d = cells
    found = paired_difference_ci([[a, b], [c, d]])
    n = sum(cells)
    z = ndtri(0.975)
    if found.low > -1 + 1e-9:
        assert tango_statistic(b, c, n, found.low) == pytest.approx(z, abs=1e-4)
    if found.high < 1 - 1e-9:
        assert tango_statistic(b, c, n, found.high) == pytest.approx(-z, abs=1e-4)
    turned = paired_difference_ci([[a, c], [b, d]])
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low), abs=1e-7)
    hybrid = paired_difference_ci([[a, b], [c, d]], method="newcombe")
    assert hybrid.low - 1e-12 <= hybrid.estimate <= hybrid.high + 1e-12


def test_score_test_is_the_dual_of_the_interval() -> None:
    found = proportion_difference_ci(40, 50, 30, 50, method="miettinen-nurminen")
    assert score_statistic(40, 50, 30, 50, found.low) == pytest.approx(ndtri(0.975), abs=1e-8)


def test_differences_cover_95_percent() -> None:
    """Exact coverage for arms of 30 and 40, averaged over pairs of proportions from .1 to .9."""
    n1, n2 = 30, 40
    truths = np.linspace(0.1, 0.9, 9)
    for method in ("newcombe", "miettinen-nurminen"):
        found = [
            [proportion_difference_ci(x1, n1, x2, n2, method=method) for x2 in range(n2 + 1)]  # type: ignore[arg-type]
            for x1 in range(n1 + 1)
        ]
        low = np.array([[i.low for i in row] for row in found])
        high = np.array([[i.high for i in row] for row in found])
        coverage = [
            np.outer(binom.pmf(range(n1 + 1), n1, p), binom.pmf(range(n2 + 1), n2, q))[
                (low <= p - q) & (p - q <= high)
            ].sum()
            for p in truths
            for q in truths
        ]
        assert 0.94 < np.mean(coverage) < 0.97 and np.min(coverage) > 0.92


def test_paired_difference_covers_95_percent() -> None:
    """60 pairs, sensitivities .85 and .75 that agree more often than chance."""
    chances = [0.68, 0.17, 0.07, 0.08]
    draws, times = np.unique(
        multinomial.rvs(60, chances, size=4000, random_state=1), axis=0, return_counts=True
    )
    for method in ("tango", "newcombe"):
        found = [paired_difference_ci(row.reshape(2, 2), method=method) for row in draws]  # type: ignore[arg-type]
        hits = np.array([i.low <= 0.10 <= i.high for i in found])
        assert 0.935 < (hits * times).sum() / 4000 < 0.97


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ([[1, 2, 3], [4, 5, 6]], r"\(2, 3\)"),
        ([[1, -2], [3, 4]], "whole numbers"),
        ([[1, 2.5], [3, 4]], "whole numbers"),
        ([[0, 0], [0, 0]], "no case"),
        ([[1, np.nan], [3, 4]], "NaN"),
        ([1, 2, 3, 4], r"\(4,\)"),
    ],
)
def test_impossible_tables(table: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        paired_difference_ci(table)


def test_unknown_methods() -> None:
    with pytest.raises(ValueError, match="newcombe"):
        proportion_difference_ci(1, 2, 1, 2, method="normal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tango"):
        paired_difference_ci([[1, 2], [3, 4]], method="normal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="successes"):
        proportion_difference_ci(3, 2, 1, 2)


@settings(max_examples=50)
@given(counts)
def test_simple_differences_agree_with_statsmodels(given: tuple[int, int, int, int]) -> None:
    statsmodels = pytest.importorskip("statsmodels.stats.proportion")
    for method in ("agresti-caffo", "wald"):
        found = proportion_difference_ci(*given, method=method)  # type: ignore[arg-type]
        limits = statsmodels.confint_proportions_2indep(*given, compare="diff", method=method)
        assert (found.low, found.high) == pytest.approx(np.clip(limits, -1, 1), abs=1e-9)


def test_simple_paired_difference() -> None:
    """Approval of 1600 people (Agresti, Categorical Data Analysis, 10.1): .04 -+ 1.96 (.0095)."""
    found = paired_difference_ci([[794, 150], [86, 570]], method="wald")
    assert (found.low, found.high) == pytest.approx((0.04 - 1.96 * 0.0095, 0.04 + 1.96 * 0.0095), abs=2e-4)


def test_published_score_paired() -> None:
    """Tango 1998: 50 pairs, 12 and 2 discordant; 44 pairs of contact lenses at 90%."""
    found = paired_difference_ci([[36, 12], [2, 0]])
    assert (found.low, found.high) == pytest.approx((0.0611, 0.3447), abs=6e-5)
    lenses = paired_difference_ci([[43, 0], [1, 0]], confidence=0.9)
    assert (lenses.low, lenses.high) == pytest.approx((-0.096, 0.037), abs=6e-4)


def test_small_integers_do_not_overflow() -> None:
    """Counts of NumPy's 8-bit integers: 250 + 251 is beyond them."""
    small = tuple(np.uint8(v) for v in (200, 250, 190, 251))
    for method in ("newcombe", "miettinen-nurminen", "mee", "agresti-caffo", "wald"):
        plain = proportion_difference_ci(200, 250, 190, 251, method=method)  # type: ignore[arg-type]
        assert proportion_difference_ci(*small, method=method) == plain  # type: ignore[arg-type]
    assert non_inferiority_test(*small, margin=0.1) == non_inferiority_test(200, 250, 190, 251, margin=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("counts", [(None, 5, 1, 5), ("1", 5, 1, 5), ([1], 5, 1, 5), (1, 5, 1.5, 5)])
def test_what_is_no_count(counts: tuple) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        proportion_difference_ci(*counts)
