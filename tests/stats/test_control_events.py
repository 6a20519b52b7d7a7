from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.stats.control import (
    bernoulli_cusum_arl,
    bernoulli_cusum_chart,
    bernoulli_cusum_design,
    bernoulli_cusum_h,
    bernoulli_cusum_weights,
    risk_adjusted_cusum_arl,
    risk_adjusted_cusum_chart,
    risk_adjusted_cusum_design,
    risk_adjusted_weights,
    sprt,
    sprt_bounds,
    sprt_properties,
)


def _simulate(risk: NDArray, up: NDArray, down: NDArray, h: float, runs: int, seed: int) -> float:
    """Mean number of cases until the exact sum of log likelihood ratios reaches h."""
    generator = np.random.default_rng(seed)
    total, length = np.zeros(runs), 0
    while len(total):
        length += len(total)
        which = generator.integers(0, len(risk), len(total))
        hit = generator.random(len(total)) < risk[which]
        total = np.maximum(0, total + np.where(hit, up[which], down[which]))
        total = total[total < h]
    return length / runs


@pytest.mark.parametrize(("h", "arl0", "arl1"), [(3, 661, 53), (4, 1868, 75), (5, 5162, 97)])
def test_sensitivity_from_90_to_80(h: float, arl0: float, arl1: float) -> None:
    """Baselines that were simulated with 4,000 repetitions (their standard error is about 1.5 per cent)."""
    assert bernoulli_cusum_arl(p0=0.1, p1=0.2, h=h) == pytest.approx(arl0, rel=0.05)
    assert bernoulli_cusum_arl(p0=0.1, p1=0.2, h=h, p=0.2) == pytest.approx(arl1, rel=0.02)


@pytest.mark.parametrize(
    ("p0", "p1", "h", "p"), [(0.1, 0.2, 2.5, 0.1), (0.05, 0.15, 3, 0.15), (0.3, 0.15, 2, 0.3)]
)
def test_bernoulli_by_simulation(p0: float, p1: float, h: float, p: float) -> None:
    event, other = (np.array([w]) for w in bernoulli_cusum_weights(p0=p0, p1=p1))
    found = _simulate(np.array([p]), event, other, h, 6000, 1)
    assert bernoulli_cusum_arl(p0=p0, p1=p1, h=h, p=p) == pytest.approx(found, rel=0.04)


def test_bernoulli_by_hand() -> None:
    """p1 such that an event outweighs one case without: up 1, down 1, signal at 2 units."""
    p0, p1 = 0.25, 0.75
    unit = np.log(3)
    assert bernoulli_cusum_weights(p0=p0, p1=p1) == pytest.approx((unit, -unit))
    # L0 = 1 + p L1 + q L0 and L1 = 1 + q L0: L0 = (1 + p) / p^2.
    for p in (0.25, 0.6):
        assert bernoulli_cusum_arl(p0=p0, p1=p1, h=2 * unit, p=p) == pytest.approx((1 + p) / p**2)
        assert bernoulli_cusum_arl(p0=p0, p1=p1, h=2 * unit, p=p, head_start=unit) == pytest.approx(
            1 + (1 - p) * (1 + p) / p**2
        )
    assert bernoulli_cusum_arl(p0=p0, p1=p1, h=0.5 * unit, p=0.25) == pytest.approx(4)
    assert bernoulli_cusum_arl(p0=p0, p1=p1, h=2, p=0.0) == np.inf


def test_a_fall_is_a_rise_of_the_opposite() -> None:
    assert bernoulli_cusum_arl(p0=0.9, p1=0.8, h=3, p=0.85) == pytest.approx(
        bernoulli_cusum_arl(p0=0.1, p1=0.2, h=3, p=0.15), rel=1e-6
    )
    events = np.random.default_rng(2).random(60) < 0.8
    fall = bernoulli_cusum_chart(events, p0=0.9, p1=0.8, h=3)
    rise = bernoulli_cusum_chart(~events, p0=0.1, p1=0.2, h=3)
    np.testing.assert_allclose(fall.statistic, rise.statistic, atol=1e-9)


@pytest.mark.parametrize(
    ("p0", "p1", "wanted"),
    [(0.1, 0.2, 1000), (0.01, 0.02, 5000), (0.001, 0.003, 50_000), (0.2, 0.1, 500), (0.3, 0.5, 400)],
)
def test_bernoulli_designs_reach_what_was_asked(p0: float, p1: float, wanted: float) -> None:
    design = bernoulli_cusum_design(p0=p0, p1=p1, arl0=wanted, cases_per_day=20)
    assert design.arl0 == pytest.approx(wanted, rel=0.05)
    assert design.arl1 < design.arl0 / 3
    assert design.delay_cases == design.arl1
    assert design.delay_days == pytest.approx(design.arl1 / 20)
    h = design.parameters["h"]
    assert bernoulli_cusum_arl(p0=p0, p1=p1, h=h) == pytest.approx(design.arl0)


def test_designed_bernoulli_by_simulation() -> None:
    h = bernoulli_cusum_h(p0=0.1, p1=0.2, arl0=300)
    event, other = (np.array([w]) for w in bernoulli_cusum_weights(p0=0.1, p1=0.2))
    assert _simulate(np.array([0.1]), event, other, h, 6000, 3) == pytest.approx(300, rel=0.05)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
@settings(max_examples=40)
def test_bernoulli_path_by_definition(events: list[bool]) -> None:
    up, down = bernoulli_cusum_weights(p0=0.1, p1=0.2)
    chart = bernoulli_cusum_chart(events, p0=0.1, p1=0.2, h=2)
    steps = np.where(events, up, down)
    expected = [max(0.0, max(steps[j : i + 1].sum() for j in range(i + 1))) for i in range(len(events))]
    # The chart keeps the ratio of the two weights to 1 in 10,000.
    np.testing.assert_allclose(chart.statistic, expected, atol=1e-4 * len(events))


def test_bernoulli_chart_finds_a_fall_of_sensitivity() -> None:
    generator = np.random.default_rng(4)
    missed = np.concatenate([generator.random(300) < 0.1, generator.random(300) < 0.25])
    p = bernoulli_cusum_design(p0=0.1, p1=0.2, arl0=2000).parameters
    chart = bernoulli_cusum_chart(missed, **p)
    assert chart.first_signal is not None and 300 <= chart.first_signal <= 400
    assert chart.change_start is not None and 250 <= chart.change_start <= chart.first_signal
    again = bernoulli_cusum_chart(missed, **p, restart=True)
    assert again.first_signal == chart.first_signal and len(again.signals) < len(chart.signals)
    assert all(b - a > 5 for a, b in pairwise(again.signals))


def test_risk_adjusted_weights_of_steiner() -> None:
    """Steiner et al. 2000 by their formula: odds ratio 2, a case of risk 0.1."""
    event, none = risk_adjusted_weights([0.1], odds_ratio=2)
    assert event[0] == pytest.approx(np.log(2 / 1.1)) and none[0] == pytest.approx(np.log(1 / 1.1))


@pytest.mark.parametrize("true", [1.0, 2.0])
def test_risk_adjusted_by_simulation(true: float) -> None:
    risk = np.random.default_rng(5).beta(1, 6, 200)
    design = risk_adjusted_cusum_design(risk, odds_ratio=2, arl0=400, cases_per_day=10)
    up, down = risk_adjusted_weights(risk, odds_ratio=2)
    chance = true * risk / (1 - risk + true * risk)
    found = _simulate(chance, up, down, design.parameters["h"], 5000, 6)
    assert (design.arl0 if true == 1 else design.arl1) == pytest.approx(found, rel=0.05)
    assert design.delay_days == pytest.approx(design.arl1 / 10)


def test_one_risk_for_all_is_the_bernoulli_chart() -> None:
    ratio = 0.2 * 0.9 / (0.1 * 0.8)
    event, none = risk_adjusted_weights([0.1], odds_ratio=ratio)
    assert (event[0], none[0]) == pytest.approx(bernoulli_cusum_weights(p0=0.1, p1=0.2))
    assert risk_adjusted_cusum_arl([0.1, 0.1], odds_ratio=ratio, h=3) == pytest.approx(
        bernoulli_cusum_arl(p0=0.1, p1=0.2, h=3), rel=0.03
    )
    events = np.random.default_rng(7).random(200) < 0.15
    adjusted = risk_adjusted_cusum_chart(events, np.full(200, 0.1), odds_ratio=ratio, h=3)
    plain = bernoulli_cusum_chart(events, p0=0.1, p1=0.2, h=3)
    np.testing.assert_allclose(adjusted.statistic, plain.statistic, atol=2e-3)


def test_sprt_bounds() -> None:
    """G42: Wald."""
    bounds = sprt_bounds(alpha=0.05, beta=0.1)
    assert bounds.upper == pytest.approx(2.8903717579, rel=1e-6)
    assert bounds.lower == pytest.approx(-2.2512917986, rel=1e-6)


def test_sprt_properties_at_the_hypotheses() -> None:
    for model, h0, h1 in (("bernoulli", 0.1, 0.2), ("normal", 0.0, 0.5), ("bernoulli", 0.3, 0.1)):
        at0 = sprt_properties(h0=h0, h1=h1, truth=h0, alpha=0.05, beta=0.1, model=model)
        at1 = sprt_properties(h0=h0, h1=h1, truth=h1, alpha=0.05, beta=0.1, model=model)
        assert at0.accept_h1 == pytest.approx(0.05) and at1.accept_h1 == pytest.approx(0.9)
    between = [
        sprt_properties(h0=0, h1=1, truth=m, model="normal").accept_h1 for m in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert between == sorted(between)
    middle = sprt_properties(h0=0, h1=1, truth=0.5, model="normal")
    beside = sprt_properties(h0=0, h1=1, truth=0.5 + 1e-4, model="normal")
    assert (middle.accept_h1, middle.average_sample_number) == pytest.approx(
        (beside.accept_h1, beside.average_sample_number), rel=1e-2
    )


@pytest.mark.parametrize(("truth", "wrong"), [(0.0, "H1"), (0.4, "H0")])
def test_sprt_by_simulation(truth: float, wrong: str) -> None:
    generator = np.random.default_rng(8)
    results = [sprt(generator.normal(truth, 1, 400), h0=0, h1=0.4, model="normal") for _ in range(2500)]
    errors = np.mean([r.decision == wrong for r in results])
    assert errors <= (0.05 if wrong == "H1" else 0.1) + 0.01
    taken = np.mean([r.stopped_at or 400 for r in results])
    expected = sprt_properties(h0=0, h1=0.4, truth=truth, model="normal").average_sample_number
    assert expected <= taken * 1.02 and taken < 1.25 * expected


def test_sprt_over_data() -> None:
    found = sprt([0, 1, 1, 1, 1, 1, 0], h0=0.1, h1=0.3)
    path = np.cumsum([np.log(0.7 / 0.9), *([np.log(3)] * 5), np.log(0.7 / 0.9)])
    np.testing.assert_allclose(found.statistic, path)
    assert found.decision == "H1" and found.stopped_at == int(np.argmax(path >= found.bounds.upper)) + 1
    assert sprt([0] * 10, h0=0.1, h1=0.3).decision == "H0"
    undecided = sprt([0, 1], h0=0.1, h1=0.3)
    assert undecided.decision == "continue" and undecided.stopped_at is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bernoulli_cusum_arl(p0=0.1, p1=0.1, h=3), "two different rates"),
        (lambda: bernoulli_cusum_arl(p0=0, p1=0.1, h=3), "between 0 and 1"),
        (lambda: bernoulli_cusum_arl(p0=0.1, p1=0.2, h=0), "h > 0"),
        (lambda: bernoulli_cusum_arl(p0=0.1, p1=0.2, h=3, p=1.5), "p is 1.5"),
        (lambda: bernoulli_cusum_chart([0, 2], p0=0.1, p1=0.2, h=3), "only 0 and 1"),
        (lambda: risk_adjusted_weights([0, 0.5], odds_ratio=2), "0 or 1"),
        (lambda: risk_adjusted_weights([0.5], odds_ratio=1), "odds_ratio is 1"),
        (lambda: risk_adjusted_cusum_chart([0, 1], [0.5], odds_ratio=2, h=3), "risk has 1 rows"),
        (lambda: sprt_bounds(alpha=0.6, beta=0.5), "sum below 1"),
        (lambda: sprt([0, 1], h0=0.1, h1=0.1), "two different values"),
        (lambda: sprt([0, 1], h0=0.1, h1=1.0), "rates between"),
        (lambda: sprt([0, 1], h0=0.1, h1=0.2, model="poisson"), "model"),
        (lambda: sprt_properties(h0=0.1, h1=0.2, truth=0), "truth is 0"),
        (lambda: bernoulli_cusum_chart([1, 0], p0=0.1, p1=0.2, h=-3), "h > 0"),
    ],
)
def test_clear_errors(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
