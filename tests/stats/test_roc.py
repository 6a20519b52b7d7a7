from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.stats.roc import auc, auc_macro, operating_point, operating_point_at, roc_curve

scored = st.lists(
    st.tuples(st.booleans(), st.integers(-6, 6)), min_size=2, max_size=60
)  # few distinct scores: many ties


def _arrays(cases: list[tuple[bool, int]]) -> tuple[NDArray, NDArray]:
    y, s = np.array([c[0] for c in cases]), np.array([c[1] / 3 for c in cases])
    assume(y.any() and not y.all())
    return y, s


def _brute(y: NDArray, s: NDArray) -> tuple[float, float]:
    """Area and DeLong variance by comparing every pair."""
    x, z = s[y][:, None], s[~y][None, :]
    wins = (x > z) + 0.5 * (x == z)
    variance = sum(np.var(wins.mean(axis=a), ddof=1) / wins.shape[1 - a] for a in (0, 1))
    return float(wins.mean()), float(variance)


@given(scored)
def test_area_and_variance_agree_with_all_pairs(cases: list[tuple[bool, int]]) -> None:
    y, s = _arrays(cases)
    assume(2 <= y.sum() <= len(y) - 2)
    area, variance = _brute(y, s)
    found = auc(y, s, method="plain")
    assert found.estimate == pytest.approx(area, abs=1e-12)
    if found.method == "DeLong":
        half = 1.959963984540054 * np.sqrt(variance)
        assert found.low == pytest.approx(max(0, area - half), abs=1e-9)
        assert found.high == pytest.approx(min(1, area + half), abs=1e-9)


@given(scored, st.sampled_from(["logit", "plain"]))
def test_limits_are_sane_whatever_comes(cases: list[tuple[bool, int]], method: str) -> None:
    y, s = _arrays(cases)
    found = auc(y, s, method=method)  # type: ignore[arg-type]
    assert 0 <= found.low <= found.estimate + 1e-12 and found.estimate - 1e-12 <= found.high <= 1
    assert found.high - found.low > 0
    mirrored = auc(~y, s, method=method)  # type: ignore[arg-type]
    assert mirrored.estimate == pytest.approx(1 - found.estimate)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-6)


@given(scored)
def test_curve_agrees_with_scikit_learn(cases: list[tuple[bool, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    y, s = _arrays(cases)
    fpr, tpr, thresholds = metrics.roc_curve(y, s, drop_intermediate=False)
    curve = roc_curve(y, s)
    np.testing.assert_allclose(curve.false_positive_rate, fpr)
    np.testing.assert_allclose(curve.sensitivity, tpr)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    area = np.trapezoid(curve.sensitivity, curve.false_positive_rate)
    assert auc(y, s).estimate == pytest.approx(area) == pytest.approx(metrics.roc_auc_score(y, s))


def test_hanley_mcneil_ratings() -> None:
    """G09: Hanley and McNeil, Radiology 1982;143:29, 109 CT images on a 5-point scale."""
    negatives, positives = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    ratings = np.arange(1, 6)
    s = np.concatenate([np.repeat(ratings, negatives), np.repeat(ratings, positives)])
    y = np.arange(len(s)) >= sum(negatives)
    found = auc(y, s)
    assert found.estimate == pytest.approx(0.8931710615, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((0.8164434572, 0.9401761949), rel=1e-6)
    plain = auc(y, s, method="plain")
    assert (plain.high - plain.low) / (2 * 1.959963984540054) == pytest.approx(0.0307244084, rel=1e-6)
    assert found.method == "DeLong, logit scale" and found.n == 109


def test_ovarian_cancer_data(goldens_data: Path) -> None:
    """G08: DeLong et al. 1988, in the SAS/STAT manual of PROC LOGISTIC."""
    with (goldens_data / "delong_ovarian_sas.csv").open() as f:
        rows = list(csv.DictReader(f))
    y = np.array([float(row["popind"]) == 1 for row in rows])
    expected = {
        "alb": (0.7366, 0.5549, 0.9182),
        "tp": (0.6478, 0.4518, 0.8439),
        "totscore_kg": (0.7258, 0.5243, 0.9273),
    }
    for column, numbers in expected.items():
        found = auc(y, np.array([float(row[column]) for row in rows]), method="plain")
        assert (found.estimate, found.low, found.high) == pytest.approx(numbers, abs=5e-5)


@pytest.mark.parametrize("size", [1, 2, 10, 100_000])
def test_perfect_separation(size: int) -> None:
    y = np.arange(2 * size) >= size
    found = auc(y, y * 1.0)
    assert found.estimate == found.high == 1
    assert 0 < found.low < 1
    assert auc(~y, y * 1.0).high == pytest.approx(1 - found.low)


def test_perfect_separation_says_more_with_more_cases() -> None:
    lows = [auc(np.arange(2 * m) >= m, np.arange(2 * m)).low for m in (2, 5, 20, 100, 1000)]
    assert lows == sorted(lows) and lows[0] < 0.5 and lows[-1] > 0.99


def test_many_cases() -> None:
    """Counts of pairs overflow 32 bits beyond n = 92,682: the area must not."""
    generator = np.random.default_rng(0)
    y = generator.random(200_000) < 0.5
    s = generator.normal(size=200_000) + y
    start = time.perf_counter()
    found = auc(y, s)
    assert time.perf_counter() - start < 5
    assert found.estimate == pytest.approx(0.7602499, abs=0.005)  # normal cdf of 1 / sqrt(2)
    assert 0.003 < found.high - found.low < 0.006


def test_delong_covers_95_percent() -> None:
    from scipy.stats import norm

    generator = np.random.default_rng(11)
    truth, hits, repeats = norm.cdf(1.5 / np.sqrt(2)), 0, 1500
    y = np.arange(100) < 40
    for _ in range(repeats):
        found = auc(y, generator.normal(size=100) + 1.5 * y)
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / repeats <= 0.97


def test_cluster_of_single_cases_agrees_with_delong() -> None:
    generator = np.random.default_rng(5)
    y = generator.random(400) < 0.4
    s = generator.normal(size=400) + y
    plain, clustered = auc(y, s, method="plain"), auc(y, s, cluster=np.arange(400))
    assert clustered.estimate == plain.estimate
    assert (clustered.low, clustered.high) == pytest.approx((plain.low, plain.high), abs=0.006)


def test_copies_of_a_case_in_its_cluster_change_nothing() -> None:
    generator = np.random.default_rng(6)
    y = generator.random(80) < 0.5
    s = np.round(generator.normal(size=80) + y, 1)
    once = auc(y, s, cluster=np.arange(80))
    copied = auc(np.repeat(y, 4), np.repeat(s, 4), cluster=np.repeat(np.arange(80), 4))
    assert (copied.estimate, copied.low, copied.high) == pytest.approx((once.estimate, once.low, once.high))
    assert copied.n == 80


def test_cluster_bootstrap_never_loses_a_class() -> None:
    y = np.array([1] + [0] * 20)
    found = auc(y, np.arange(21), cluster=np.arange(21))
    assert np.isfinite([found.low, found.high]).all()
    with pytest.raises(ValueError, match="one cluster"):
        auc(y, np.arange(21), cluster=np.zeros(21))


def test_weighted_bootstrap_equals_resampling_the_cases() -> None:
    from overread.stats.roc.resample import WeightedAuc

    generator = np.random.default_rng(8)
    y, s = generator.random(50) < 0.5, generator.integers(0, 8, 50) / 4
    counts = generator.multinomial(50, np.full(50, 0.02), 20).astype(float)
    found = WeightedAuc(y, s)(counts)
    for row, value in zip(counts.astype(int), found, strict=True):
        assert value == pytest.approx(_brute(np.repeat(y, row), np.repeat(s, row))[0])


def test_macro_auc_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(9)
    y = generator.integers(0, 4, 300)
    p = generator.random((300, 4)).round(2) + 0.3 * (y[:, None] == np.arange(4))
    p /= p.sum(axis=1, keepdims=True)
    found = auc_macro(y, p, resamples=400)
    assert found.estimate == pytest.approx(metrics.roc_auc_score(y, p, multi_class="ovr", average="macro"))
    assert found.low < found.estimate < found.high
    clustered = auc_macro(y, p, cluster=np.arange(300), resamples=400)
    assert (clustered.low, clustered.high) == pytest.approx((found.low, found.high), abs=0.02)


def test_macro_auc_of_two_classes_is_the_auc() -> None:
    generator = np.random.default_rng(10)
    y = generator.integers(0, 2, 200)
    p = np.clip(generator.normal(0.4 + 0.2 * y, 0.2), 0, 1)
    assert auc_macro(y, np.column_stack([1 - p, p]), resamples=10).estimate == pytest.approx(
        auc(y, p).estimate
    )


def test_macro_auc_needs_every_class() -> None:
    with pytest.raises(ValueError, match="class 2 has 0"):
        auc_macro([0, 1, 0, 1], np.full((4, 3), 1 / 3))
    with pytest.raises(ValueError, match="expected 0 to 1"):
        auc_macro([0, 1, 2], np.full((3, 2), 0.5))
    with pytest.raises(ValueError, match="few clusters"):
        auc_macro([0, 1, 2, 2], np.eye(4)[:, :3], cluster=[0, 1, 2, 2])


@pytest.mark.parametrize(
    ("y", "s", "match"),
    [
        ([0, 1, 1], [0.1, np.nan, 0.5], "NaN"),
        ([[0], [1]], [0.1, 0.2], r"\(2, 1\)"),
        ([0, 1], [[0.1], [0.2]], r"\(2, 1\)"),
        ([1, 1], [0.1, 0.2], "only class 1"),
        ([], [], "empty"),
        ([0, 2], [0.1, 0.2], "only 0 and 1"),
        ([0, 1], [0.1], "score has 1 rows, expected 2"),
    ],
)
def test_bad_input(y: list, s: list, match: str) -> None:
    for function in (auc, roc_curve, operating_point):
        with pytest.raises(ValueError, match=match):
            function(y, s)


@given(scored, st.floats(0, 1))
def test_operating_point_reaches_its_goal_at_least_cost(cases: list[tuple[bool, int]], goal: float) -> None:
    y, s = _arrays(cases)

    def rates(threshold: float) -> tuple[float, float]:
        return float((s[y] >= threshold).mean()), float((s[~y] < threshold).mean())

    options = [rates(t) for t in [*np.unique(s), np.inf]]
    sensitive = operating_point(y, s, f"sensitivity>={goal:.6f}")
    specific = operating_point(y, s, f"specificity >= {goal:.6f}")
    youden = operating_point(y, s, "youden")
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
    point = operating_point_at([0, 0, 1, 1], [0.1, 0.7, 0.6, 0.9], 0.6)
    assert (point.rule, point.threshold) == ("fixed", 0.6)
    assert (point.sensitivity.estimate, point.specificity.estimate) == (1, 0.5)


@pytest.mark.parametrize("rule", ["best", "sensitivity>=1.5", "sensitivity=0.9", "ppv>=0.9"])
def test_unknown_rule(rule: str) -> None:
    with pytest.raises(ValueError, match="rule"):
        operating_point([0, 1], [0.1, 0.2], rule)
