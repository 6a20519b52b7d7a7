from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, binomtest, norm

from overread.stats.diagnostic import (
    equivalence_test,
    mcnemar,
    non_inferiority_test,
    non_inferiority_test_paired,
    performance_goal_test,
)


def test_published_performance_goals() -> None:
    """IDx-DR, FDA De Novo DEN180001: 173 of 198 and 556 of 621 against goals of .85 (.75) and .825."""
    for x, n, goal, p in (
        (173, 198, 0.85, 0.203535479),
        (173, 198, 0.75, 1.2823e-05),
        (556, 621, 0.825, 6.4493777e-07),
    ):
        assert performance_goal_test(x, n, goal=goal).p_value == pytest.approx(p, rel=1e-4)


def test_estimate_and_limit_are_judged_apart() -> None:
    """The published sensitivity passes its goal as an estimate; its lower limit, .819, does not."""
    found = performance_goal_test(173, 198, goal=0.85)
    assert found.estimate.low == pytest.approx(0.8193, abs=5e-5)
    assert found.estimate_meets_goal and not found.limit_meets_goal


@settings(max_examples=50)
@given(
    st.integers(1, 80), st.data(), st.floats(0.05, 0.95), st.sampled_from(["greater", "less", "two-sided"])
)
def test_exact_test_agrees_with_scipy(n: int, data: st.DataObject, goal: float, alternative: str) -> None:
    x = data.draw(st.integers(0, n))
    found = performance_goal_test(x, n, goal=goal, alternative=alternative)  # type: ignore[arg-type]
    assert found.p_value == pytest.approx(binomtest(x, n, goal, alternative).pvalue, rel=1e-9)
    if alternative != "two-sided":
        assert found.limit_meets_goal == (found.p_value <= 0.025)
    score = performance_goal_test(x, n, goal=goal, alternative=alternative, method="score")  # type: ignore[arg-type]
    if alternative != "two-sided" and abs(score.p_value - 0.025) > 1e-6:
        assert score.limit_meets_goal == (score.p_value <= 0.025)
    assert 0 <= score.p_value <= 1


def test_exact_goal_test_keeps_its_level() -> None:
    """At the goal itself it rejects in at most alpha of samples, for every n."""
    for n in (20, 50, 132):
        rejecting = [performance_goal_test(x, n, goal=0.75).p_value <= 0.025 for x in range(n + 1)]
        assert binom.pmf(range(n + 1), n, 0.75)[rejecting].sum() <= 0.025


def test_score_statistic_by_hand() -> None:
    found = performance_goal_test(45, 50, goal=0.8, method="score")
    assert found.statistic == pytest.approx((0.9 - 0.8) / np.sqrt(0.8 * 0.2 / 50))


counts = st.tuples(st.integers(5, 60), st.integers(5, 60)).flatmap(
    lambda n: st.tuples(st.integers(1, n[0] - 1), st.just(n[0]), st.integers(1, n[1] - 1), st.just(n[1]))
)


@settings(max_examples=50)
@given(counts, st.sampled_from([0.0, 0.05, 0.1, 0.2]), st.booleans())
def test_non_inferiority_agrees_with_the_likelihood(numbers: tuple, margin: float, corrected: bool) -> None:
    """The restricted proportions found by searching the likelihood, where the library uses a closed form."""
    x1, n1, x2, n2 = numbers
    method = "miettinen-nurminen" if corrected else "farrington-manning"
    found = non_inferiority_test(*numbers, margin=margin, method=method)  # type: ignore[arg-type]

    def loss(q: float) -> float:
        p = q - margin
        return -float(x1 * np.log(p) + (n1 - x1) * np.log1p(-p) + x2 * np.log(q) + (n2 - x2) * np.log1p(-q))

    q = minimize_scalar(
        loss, bounds=(margin + 1e-12, 1 - 1e-12), method="bounded", options={"xatol": 1e-11}
    ).x
    p = q - margin
    variance = (p * (1 - p) / n1 + q * (1 - q) / n2) * ((n1 + n2) / (n1 + n2 - 1) if corrected else 1)
    statistic = (x1 / n1 - x2 / n2 + margin) / np.sqrt(variance)
    assert (found.statistic, found.p_value) == pytest.approx(
        (statistic, norm.sf(statistic)), rel=1e-4, abs=1e-6
    )
    if abs(found.p_value - 0.025) > 1e-7:
        assert found.met == (found.difference.low > -margin)
    other = non_inferiority_test(
        numbers[2], numbers[3], *numbers[:2], margin=margin, alternative="less", method=method
    )  # type: ignore[arg-type]
    assert other.p_value == pytest.approx(found.p_value, abs=1e-9)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(any))
def test_paired_test_without_margin_is_mcnemars(cells: list[int]) -> None:
    table = np.reshape(cells, (2, 2))
    found = non_inferiority_test_paired(table, margin=0.0)
    assert found.statistic**2 == pytest.approx(mcnemar(table, correction=False).statistic, abs=1e-9)
    with_margin = non_inferiority_test_paired(table, margin=0.1)
    if abs(with_margin.p_value - 0.025) > 1e-6:
        assert with_margin.met == (with_margin.difference.low > -0.1)
    assert with_margin.p_value <= found.p_value + 1e-9


def test_published_paired_non_inferiority() -> None:
    """Tango, Stat Med 1998;17:891: 44 lens pairs [[43, 0], [1, 0]] against a margin of .1 give z = 1.709."""
    found = non_inferiority_test_paired([[43, 0], [1, 0]], margin=0.1, alpha=0.05)
    assert found.statistic == pytest.approx(1.709, abs=1e-3) and found.met and not found.superior


def test_score_test_keeps_its_level() -> None:
    """Arms of 80, .85 against .95 - that is the margin of .1 exactly."""
    x1, x2 = np.arange(81), np.arange(81)
    weights = np.outer(binom.pmf(x1, 80, 0.75), binom.pmf(x2, 80, 0.85))
    likely = np.argwhere(weights > 1e-6)
    met = [non_inferiority_test(int(a), 80, int(b), 80, margin=0.1).met for a, b in likely]
    assert weights[tuple(likely[np.array(met)].T)].sum() == pytest.approx(0.025, abs=0.006)


def test_equivalence_is_two_tests() -> None:
    found = equivalence_test(160, 200, 158, 200, margin=0.1)
    sides = [
        non_inferiority_test(160, 200, 158, 200, margin=0.1, alternative=side, alpha=0.05)
        for side in ("greater", "less")
    ]  # type: ignore[arg-type]
    assert found.p_value == max(side.p_value for side in sides) and found.met
    assert found.difference.low > -0.1 and found.difference.high < 0.1 and found.difference.confidence == 0.9
    assert not equivalence_test(180, 200, 150, 200, margin=0.1).met


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: performance_goal_test(1, 2, goal=1.0), "goal is 1"),
        (lambda: performance_goal_test(3, 2, goal=0.5), "successes"),
        (lambda: performance_goal_test(1, 2, goal=0.5, method="wald"), "method"),  # type: ignore[arg-type]
        (lambda: performance_goal_test(1, 2, goal=0.5, alternative="larger"), "alternative"),  # type: ignore[arg-type]
        (lambda: performance_goal_test(1, 2, goal=0.5, alpha=0.6), "alpha"),
        (lambda: non_inferiority_test(1, 2, 1, 2, margin=-0.1), "margin"),
        (lambda: non_inferiority_test(1, 2, 1, 2, margin=0.1, method="wald"), "method"),  # type: ignore[arg-type]
        (lambda: equivalence_test(1, 2, 1, 2, margin=0.0), "margin"),
        (lambda: non_inferiority_test_paired([[1, 2], [3, 4]], margin=1.0), "margin"),
    ],
)
def test_bad_questions(call: object, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()  # type: ignore[operator]
