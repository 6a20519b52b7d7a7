from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.stats.roc import (
    operating_point,
    operating_point_at,
    roc_band,
    roc_curve,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)

scored = (
    st.lists(st.tuples(st.booleans(), st.integers(-6, 6)), min_size=2, max_size=60)
    .map(lambda cases: (np.array([c[0] for c in cases]), np.array([c[1] / 3 for c in cases])))
    .filter(lambda arrays: arrays[0].any() and not arrays[0].all())
)


@given(scored, st.floats(0, 1))
def test_operating_point_reaches_its_goal_at_least_cost(cases: tuple[NDArray, NDArray], goal: float) -> None:
    y, s = cases

    def rates(threshold: float) -> tuple[float, float]:
        return float((s[y] >= threshold).mean()), float((s[~y] < threshold).mean())

    options = [rates(t) for t in [*np.unique(s), np.inf]]
    sensitive = operating_point(y, s, rule=f"sensitivity>={goal:.6f}")
    specific = operating_point(y, s, rule=f"specificity >= {goal:.6f}")
    youden = operating_point(y, s, rule="youden")
    for point in (sensitive, specific, youden):
        assert rates(point.threshold) == (point.sensitivity.estimate, point.specificity.estimate)
    goal = float(f"{goal:.6f}") - 1e-12
    assert sensitive.sensitivity.estimate >= goal
    assert sensitive.specificity.estimate == max(sp for se, sp in options if se >= goal)
    assert specific.specificity.estimate >= goal
    assert specific.sensitivity.estimate == max(se for se, sp in options if sp >= goal)
    best = youden.sensitivity.estimate + youden.specificity.estimate
    assert best == pytest.approx(max(se + sp for se, sp in options))


def test_threshold_lies_between_scores() -> None:
    point = operating_point([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9])
    assert point.threshold == pytest.approx(0.4)
    assert point.sensitivity.estimate == point.specificity.estimate == 1
    assert point.sensitivity.method == "Wilson" and point.sensitivity.n == 2


def test_threshold_of_neighbouring_floats_still_separates() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1))
    point = operating_point([0, 1], [low, high])
    assert point.sensitivity.estimate == point.specificity.estimate == 1


def test_fixed_threshold_on_other_cases() -> None:
    point = operating_point_at([0, 0, 1, 1], [0.1, 0.7, 0.6, 0.9], threshold=0.6)
    assert (point.rule, point.threshold) == ("fixed", 0.6)
    assert (point.sensitivity.estimate, point.specificity.estimate) == (1, 0.5)


@pytest.mark.parametrize("rule", ["best", "sensitivity>=1.5", "sensitivity=0.9", "ppv>=0.9"])
def test_unknown_rule(rule: str) -> None:
    with pytest.raises(ValueError, match="rule"):
        operating_point([0, 1], [0.1, 0.2], rule=rule)


def _rates(y: NDArray, s: NDArray) -> list[tuple[float, float]]:
    return [(float((s[y] >= t).mean()), float((s[~y] < t).mean())) for t in [np.inf, *np.unique(s)[::-1]]]


@given(scored, st.floats(0.1, 10), st.floats(0.01, 0.99))
def test_cost_rule_has_the_least_expected_cost(
    cases: tuple[NDArray, NDArray], cost_fn: float, prevalence: float
) -> None:
    y, s = cases

    def cost(se: float, sp: float) -> float:
        return cost_fn * prevalence * (1 - se) + 2 * (1 - prevalence) * (1 - sp)

    found = operating_point(y, s, rule="cost", cost_fn=cost_fn, cost_fp=2, prevalence=prevalence)
    assert cost(found.sensitivity.estimate, found.specificity.estimate) == pytest.approx(
        min(cost(*r) for r in _rates(y, s)), abs=1e-9
    )
    near = operating_point(y, s, rule="closest")
    distance = (1 - near.sensitivity.estimate) ** 2 + (1 - near.specificity.estimate) ** 2
    assert distance == pytest.approx(min((1 - a) ** 2 + (1 - b) ** 2 for a, b in _rates(y, s)), abs=1e-9)


def test_equal_costs_at_even_prevalence_are_youden() -> None:
    generator = np.random.default_rng(0)
    y = generator.random(200) < 0.2
    s = generator.normal(size=200) + 1.5 * y
    youden = operating_point(y, s)
    assert operating_point(y, s, rule="cost", prevalence=0.5).threshold == youden.threshold
    # At the cases' own prevalence equal costs give the most correct calls.
    best = operating_point(y, s, rule="cost")
    assert ((s >= best.threshold) == y).sum() == max(((s >= t) == y).sum() for t in [*np.unique(s), np.inf])
    dear = operating_point(y, s, rule="cost", cost_fn=100)
    assert dear.sensitivity.estimate == 1 and dear.threshold < best.threshold


@pytest.mark.parametrize(
    "arguments", [{"cost_fn": -1}, {"cost_fn": 0, "cost_fp": 0}, {"prevalence": 0}, {"cost_fp": np.inf}]
)
def test_bad_costs(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"costs are|prevalence is"):
        operating_point([0, 1], [0.1, 0.2], rule="cost", **arguments)


@given(scored, st.integers(0, 20))
def test_sensitivity_at_specificity_lies_on_the_curve(
    cases: tuple[NDArray, NDArray], twentieths: int
) -> None:
    y, s = cases
    specificity = twentieths / 20
    found = sensitivity_at_specificity(y, s, specificity=specificity, resamples=20)
    curve = roc_curve(y, s)
    left = curve.false_positive_rate <= 1 - specificity + 1e-9
    right = curve.false_positive_rate >= 1 - specificity - 1e-9
    assert curve.sensitivity[left].max() - 1e-9 <= found.estimate
    assert found.estimate <= max(curve.sensitivity[left].max(), curve.sensitivity[right].min()) + 1e-9
    mirrored = specificity_at_sensitivity(~y, -s, sensitivity=specificity, resamples=20)
    assert mirrored.estimate == pytest.approx(found.estimate)
    assert (mirrored.low, mirrored.high) == pytest.approx((found.low, found.high))


def test_fixed_specificity_interval_covers_95_percent() -> None:
    from scipy.stats import norm

    generator = np.random.default_rng(1)
    truth, hits, repeats = norm.sf(norm.isf(0.2) - 1.5), 0, 400
    y = np.arange(200) < 100
    for repeat in range(repeats):
        s = generator.normal(size=200) + 1.5 * y
        found = sensitivity_at_specificity(y, s, specificity=0.8, resamples=300, seed=repeat)
        hits += found.low <= truth <= found.high
    assert 0.925 <= hits / repeats <= 0.975


def test_perfect_separation_is_uncertain() -> None:
    y = np.arange(30) >= 10
    found = sensitivity_at_specificity(y, y, specificity=0.9, resamples=20)
    assert (found.estimate, found.high, found.n) == (1, 1, 20)
    assert found.low == pytest.approx(20 / (20 + 1.959963984540054**2))
    assert specificity_at_sensitivity(y, y, sensitivity=0.9, resamples=20).n == 10
    band = roc_band(y, y, fpr=[0.1, 1.0], resamples=20)
    assert band.low.tolist() == [found.low, 1] and band.high.tolist() == [1, 1]
    assert sensitivity_at_specificity(y, y, specificity=0.0, resamples=20).low == 1  # everything is called


def test_band_is_pointwise() -> None:
    generator = np.random.default_rng(2)
    y = generator.random(150) < 0.4
    s = generator.normal(size=150) + y
    band = roc_band(y, s, fpr=[0.0, 0.1, 1.0], resamples=300)
    single = sensitivity_at_specificity(y, s, specificity=0.9, resamples=300)
    assert (band.sensitivity[1], band.low[1], band.high[1]) == pytest.approx(
        (single.estimate, single.low, single.high)
    )
    assert band.sensitivity[2] == 1 and len(roc_band(y, s, resamples=10).low) == 101
    with pytest.raises(ValueError, match="expected 0 to 1"):
        roc_band(y, s, fpr=[1.1])


def test_whole_clusters_are_drawn() -> None:
    generator = np.random.default_rng(3)
    y = generator.random(60) < 0.5
    s = np.round(generator.normal(size=60) + y, 1)
    once = sensitivity_at_specificity(y, s, specificity=0.7, cluster=np.arange(60), resamples=200)
    copied = sensitivity_at_specificity(
        np.repeat(y, 3), np.repeat(s, 3), specificity=0.7, cluster=np.repeat(np.arange(60), 3), resamples=200
    )
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high)) and copied.n == 60


def test_images_of_a_patient_are_not_independent() -> None:
    generator = np.random.default_rng(4)
    y = np.repeat(generator.random(60) < 0.5, 4)
    s = np.repeat(generator.normal(size=60), 4) + 1.5 * y  # four times the same image
    once = operating_point_at(y[::4], s[::4], threshold=0.7)
    for point in (
        operating_point_at(y, s, threshold=0.7, cluster=np.arange(240) // 4),
        operating_point(y, s, rule="youden", cluster=np.arange(240) // 4),
    ):
        independent = operating_point_at(y, s, threshold=point.threshold)
        width, narrow = (p.sensitivity.high - p.sensitivity.low for p in (point, independent))
        assert width > 1.6 * narrow and point.sensitivity.estimate == independent.sensitivity.estimate
    clustered = operating_point_at(y, s, threshold=0.7, cluster=np.arange(240) // 4).specificity
    assert clustered.n == once.specificity.n and clustered.low == pytest.approx(
        once.specificity.low, abs=0.03
    )


def test_rates_outside_0_to_1() -> None:
    with pytest.raises(ValueError, match="specificity is 90"):
        sensitivity_at_specificity([0, 1], [0, 1], specificity=90)
    with pytest.raises(ValueError, match="sensitivity is -0"):
        specificity_at_sensitivity([0, 1], [0, 1], sensitivity=-0.1)


@pytest.mark.parametrize("threshold", [np.nan, "high", None, [0.5]])
def test_what_is_no_threshold(threshold: Any) -> None:
    with pytest.raises(ValueError, match="expected a number"):
        operating_point_at([0, 1], [0.2, 0.8], threshold=threshold)
