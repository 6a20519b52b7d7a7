from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from overread.stats.contingency import cochran_q, fisher_exact, odds_ratio, risk_ratio, stuart_maxwell
from overread.stats.diagnostic import mcnemar

counts = st.integers(1, 40)


def test_the_lady_tasting_tea() -> None:
    """Fisher, The Design of Experiments, 1935: R's help page prints p .4857 and an odds ratio of 6.408309."""
    found = fisher_exact([[3, 1], [1, 3]])
    assert found.p_value == pytest.approx(34 / 70)
    assert found.odds_ratio is not None and found.odds_ratio.estimate == pytest.approx(6.408309, abs=2e-5)
    assert fisher_exact([[3, 1], [1, 3]], alternative="greater").p_value == pytest.approx(17 / 70)


def test_criminal_twins() -> None:
    """Fisher, J R Stat Soc 1935;98:48: 10 of 13 monozygotic, 2 of 17 dizygotic twins convicted: one-sided p .00047."""
    found = fisher_exact([[2, 15], [10, 3]], alternative="less")
    assert found.p_value == pytest.approx(0.0004652, abs=5e-8)


def test_no_event_at_all_says_nothing_of_the_odds_ratio() -> None:
    found = fisher_exact([[0, 5], [0, 7]])
    assert found.p_value == 1 and found.odds_ratio is None


def test_published_risk_ratio() -> None:
    """Koopman, Biometrics 1984;40:513: 36 of 40 against 16 of 80 has 95% limits of 2.94 and 7.15."""
    found = risk_ratio([[36, 4], [16, 64]])
    assert (found.estimate, round(found.low, 2), round(found.high, 2)) == (4.5, 2.94, 7.15)


@given(counts, counts, counts, counts)
def test_score_limits_agree_with_statsmodels(a: int, b: int, c: int, d: int) -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for found, compare in (
        (risk_ratio([[a, b], [c, d]]), "ratio"),
        (odds_ratio([[a, b], [c, d]], method="cornfield"), "odds-ratio"),
    ):
        with np.errstate(all="ignore"):
            theirs = proportion.confint_proportions_2indep(
                a, a + b, c, c + d, compare=compare, method="score", correction=False
            )
        assert (found.low, found.high) == pytest.approx(tuple(theirs), rel=1e-6)


def test_limits_of_the_logarithm_agree_with_scipy_and_by_hand() -> None:
    contingency = pytest.importorskip("scipy.stats.contingency")
    found = risk_ratio([[27, 95], [44, 443]], method="katz")
    theirs = contingency.relative_risk(27, 122, 44, 487).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    woolf = odds_ratio([[27, 95], [44, 443]], method="woolf")
    half = 1.959963984540054 * np.sqrt(1 / 27 + 1 / 95 + 1 / 44 + 1 / 443)
    assert woolf.low == pytest.approx(27 * 443 / (95 * 44) * np.exp(-half))


@pytest.mark.parametrize(
    ("table", "ends"),
    [([[0, 10], [5, 5]], "low"), ([[5, 5], [0, 10]], "high"), ([[5, 0], [5, 0]], "none")],
)
def test_counts_of_zero_have_limits(table: list, ends: str) -> None:
    found = risk_ratio(table)
    assert (found.low == 0) == (ends == "low") and np.isinf(found.high) == (ends == "high")
    assert found.low <= found.estimate <= found.high and found.low < found.high
    # The groups changed about, the ratio and its limits are the inverse.
    with np.errstate(divide="ignore"):
        other = risk_ratio(table[::-1])
        mirrored = 1 / np.array([found.high, found.low])
    assert (other.low, other.high) == pytest.approx(tuple(mirrored), rel=1e-6)


def test_intervals_hold_their_level() -> None:
    generator = np.random.default_rng(3)
    hits = {"risk": 0, "odds": 0}
    a, c = generator.binomial(25, 0.3, 400), generator.binomial(40, 0.15, 400)
    for x, y in zip(a, c, strict=True):
        table = [[x, 25 - x], [y, 40 - y]]
        if x + y == 0:
            continue
        risk, odds = risk_ratio(table), odds_ratio(table, method="cornfield")
        hits["risk"] += risk.low <= 2 <= risk.high
        hits["odds"] += odds.low <= (0.3 / 0.7) / (0.15 / 0.85) <= odds.high
    assert all(0.92 <= n / 400 <= 0.98 for n in hits.values()), hits


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: risk_ratio([[1, 2, 3], [1, 2, 3]]), r"shape \(2, 3\)"),
        (lambda: risk_ratio([[0, 0], [1, 2]]), "a group holds no case"),
        (lambda: risk_ratio([[0, 4], [0, 2]]), "no case of either group"),
        (lambda: risk_ratio([[0, 4], [1, 2]], method="katz"), "koopman"),
        (lambda: odds_ratio([[0, 4], [1, 2]], method="woolf"), "count is 0"),
        (lambda: odds_ratio([[4, 0], [1, 0]]), "does not exist"),
        (lambda: odds_ratio([[4, 1], [1, 1]], method="cohen"), "expected 'conditional'"),  # type: ignore[arg-type]
        (lambda: fisher_exact([[1.5, 1], [1, 1]]), "whole numbers"),
        (lambda: cochran_q([[1], [0]]), "two or more"),
        (lambda: cochran_q([[1, 2], [0, 1]]), "other than 0 and 1"),
        (lambda: stuart_maxwell([[1, 2]]), r"\(k, k\)"),
    ],
)
def test_what_cannot_be_computed(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        call()


@given(st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), min_size=2, max_size=30))
def test_cochran_q_agrees_with_statsmodels(rows: list[list[int]]) -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    found = cochran_q(rows)
    if found.cases == 0:
        assert (found.statistic, found.p_value) == (0, 1)
        return
    theirs = tables.cochrans_q(np.array(rows))
    assert (found.statistic, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))


@given(st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=3, max_size=3))
def test_stuart_maxwell_agrees_with_statsmodels(table: list[list[int]]) -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    counted = np.array(table)
    if not counted.any():
        return
    found = stuart_maxwell(table)
    off = counted + counted.T
    np.fill_diagonal(off, 0)
    if (off.sum(axis=0) == 0).any() or found.df < 2:
        assert 0 <= found.p_value <= 1
        return
    theirs = tables.SquareTable(counted, shift_zeros=False).homogeneity()
    assert (found.statistic, found.df) == pytest.approx((theirs.statistic, theirs.df))


def test_two_categories_are_mcnemar() -> None:
    table = [[794, 86], [150, 570]]
    plain = mcnemar(table, correction=False)
    assert stuart_maxwell(table).statistic == pytest.approx(plain.statistic)
    answers = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [794, 86, 150, 570], axis=0)
    assert cochran_q(answers).statistic == pytest.approx(plain.statistic)


def test_a_category_that_nobody_confuses_costs_no_degree_of_freedom() -> None:
    small = stuart_maxwell([[10, 3], [7, 5]])
    large = stuart_maxwell([[10, 3, 0], [7, 5, 0], [0, 0, 9]])
    assert (large.statistic, large.df) == pytest.approx((small.statistic, small.df))
    assert large.p_value == pytest.approx(chi2.sf(16 / 10, 1))
