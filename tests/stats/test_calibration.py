from __future__ import annotations

import csv
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2

from overread.stats.calibration import (
    CalibrationTest,
    ace,
    brier,
    calibration_slope_intercept,
    ece,
    hosmer_lemeshow,
    ici,
    mce,
    oe_ratio,
    reliability_curve,
    spiegelhalter,
)
from overread.stats.roc import auc

pairs = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=50)

# G17: ten cases of Reinke et al., Understanding metric-related pitfalls, figure SN 2.24.
G17_P = [0.22, 0.48, 0.49, 0.96, 0.55, 0.64, 0.78, 0.82, 0.34, 0.87]
G17_Y = [0, 1, 0, 0, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(("bins", "error", "largest"), [(2, 0.11, 0.12), (5, 0.32, 0.55), (10, 0.36, 0.96)])
def test_published_ten_cases(bins: int, error: float, largest: float) -> None:
    assert ece(G17_Y, G17_P, bins=bins, resamples=20).estimate == pytest.approx(error, abs=0.01)
    assert mce(G17_Y, G17_P, bins=bins, resamples=20).estimate == pytest.approx(largest, abs=0.01)


def _simulated(goldens_data: Path, file: str) -> tuple[NDArray, NDArray]:
    with (goldens_data / f"simulated_{file}.csv").open() as f:
        rows = [(float(row["label"]), float(row["proba_1"])) for row in csv.DictReader(f)]
    y, p = np.array(rows).T
    return y, p


def test_well_calibrated_set_of_calzone(goldens_data: Path) -> None:
    """G16: 5,000 simulated cases of the FDA's calzone."""
    y, p = _simulated(goldens_data, "welldata")
    line = calibration_slope_intercept(y, p)
    assert line.intercept.estimate == pytest.approx(-0.04497652, rel=1e-6)
    assert line.slope.estimate == pytest.approx(0.99424996, rel=1e-6)
    assert line.in_the_large.estimate == pytest.approx(-0.04515625, rel=1e-6)
    assert oe_ratio(y, p).estimate == pytest.approx(0.9888197228, rel=1e-6)
    assert brier(y, p).estimate == pytest.approx(0.1251856656, rel=1e-6)
    assert auc(y, p).estimate == pytest.approx(0.9052406067, rel=1e-6)
    assert ece(y, p, resamples=10).estimate == pytest.approx(0.01208775956, rel=1e-6)
    assert ece(y, p, binning="quantile", resamples=10).estimate == pytest.approx(0.00873396695, rel=1e-6)
    # The same quantiles with the one smallest probability in the first bin.
    assert ece(y, p, binning="equal-mass", resamples=10).estimate == pytest.approx(0.00873396695, rel=3e-4)
    test = hosmer_lemeshow(y, p, binning="equal-width")
    assert (test.statistic, test.p_value) == pytest.approx((8.884991559, 0.3520907187), rel=1e-6)
    z = spiegelhalter(y, p)
    assert (z.statistic, z.p_value) == pytest.approx((0.3763269162, 0.7066738714), rel=1e-6)
    assert ici(y, p, smoother="cox", resamples=2).ici.estimate == pytest.approx(0.00561039149, rel=1e-6)


def test_overconfident_set_of_calzone(goldens_data: Path) -> None:
    """G16: the same cases with logits doubled; some probabilities lie within 1e-16 of 1."""
    y, p = _simulated(goldens_data, "misdata")
    assert p.max() > 1 - 1e-15
    line = calibration_slope_intercept(y, p)
    assert line.slope.estimate == pytest.approx(0.49712498, rel=1e-6)
    assert line.in_the_large.estimate == pytest.approx(-0.07445779, rel=1e-6)
    assert oe_ratio(y, p).estimate == pytest.approx(0.9891290685, rel=1e-6)
    assert brier(y, p).estimate == pytest.approx(0.1347129032, rel=1e-6)
    assert ece(y, p, resamples=10).estimate == pytest.approx(0.08144644644, rel=1e-6)
    assert ece(y, p, binning="quantile", resamples=10).estimate == pytest.approx(0.07995528896, rel=1e-6)
    assert spiegelhalter(y, p).statistic == pytest.approx(29.6255, rel=1e-6, abs=5e-5)
    assert ici(y, p, smoother="loess", resamples=2).ici.estimate == pytest.approx(0.07356445428, rel=1e-6)


@given(pairs)
def test_brier_agrees_with_scikit_learn(cases: list[tuple[bool, float]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    y, p = np.array([c[0] for c in cases]), np.array([c[1] for c in cases])
    expected = metrics.brier_score_loss(y, p, labels=[False, True])
    assert brier(y, p).estimate == pytest.approx(expected)
    two = np.column_stack([1 - p, p])
    assert brier(y.astype(int), two).estimate == pytest.approx(2 * expected)


@given(pairs, st.integers(1, 12), st.sampled_from(["equal-width", "equal-mass"]))
def test_reliability_bins_partition_the_cases(cases: list, bins: int, binning: str) -> None:
    y, p = np.array([c[0] for c in cases]), np.array([c[1] for c in cases])
    curve = reliability_curve(y, p, bins=bins, binning=binning)  # type: ignore[arg-type]
    assert sum(b.n for b in curve) == len(cases)
    assert sum(b.n * b.observed.estimate for b in curve) == pytest.approx(y.sum())
    assert all(b.low - 1e-12 <= b.mean_predicted <= b.high + 1e-12 for b in curve)
    assert all(a.high <= b.low for a, b in itertools.pairwise(curve))
    error = sum(b.n * abs(b.observed.estimate - b.mean_predicted) for b in curve) / len(cases)
    found = ece(y, p, bins=bins, binning=binning, resamples=20)  # type: ignore[arg-type]
    assert found.estimate == pytest.approx(error, abs=1e-12)
    assert 0 <= found.low <= found.high <= 1


@given(st.integers(0, 10_000), st.integers(2, 12), st.sampled_from(["uniform", "quantile"]))
def test_curve_agrees_with_scikit_learn(seed: int, bins: int, strategy: str) -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    generator = np.random.default_rng(seed)
    n = int(generator.integers(3, 60))
    # Where a quantile is a case's own probability, scikit-learn's rounding decides on its bin.
    assume(strategy == "uniform" or all((n - 1) * k % bins for k in range(1, bins)))
    y, p = np.arange(n) % 2 == 0, generator.random(n)
    binning = {"uniform": "equal-width", "quantile": "equal-mass"}[strategy]
    observed, predicted = calibration.calibration_curve(y, p, n_bins=bins, strategy=strategy)
    curve = reliability_curve(y, p, bins=bins, binning=binning)  # type: ignore[arg-type]
    np.testing.assert_allclose([b.observed.estimate for b in curve], observed)
    np.testing.assert_allclose([b.mean_predicted for b in curve], predicted)


def test_a_heap_at_zero_has_its_own_bin() -> None:
    curve = reliability_curve([0, 0, 1], [0.0, 0.0, 1.0], bins=2, binning="equal-mass")
    assert [(b.low, b.high, b.n) for b in curve] == [(0, 0, 2), (0, 1, 1)]
    thirds = reliability_curve([0, 0, 0, 1], [0.0, 0.0, 0.5, 1.0], bins=3, binning="equal-mass")
    assert [b.n for b in thirds] == [2, 1, 1]


@given(pairs, st.integers(1, 12))
def test_errors_are_of_the_bins(cases: list, bins: int) -> None:
    y, p = np.array([c[0] for c in cases]), np.array([c[1] for c in cases])
    curve = reliability_curve(y, p, bins=bins, binning="equal-mass")
    gaps = [abs(b.observed.estimate - b.mean_predicted) for b in curve]
    adaptive = ace(y, p, bins=bins, resamples=20)
    assert adaptive.estimate == pytest.approx(np.mean(gaps), abs=1e-12)
    largest = mce(y, p, bins=bins, binning="equal-mass", resamples=20)
    assert largest.estimate == pytest.approx(max(gaps), abs=1e-12)
    for found in (adaptive, largest):
        assert 0 <= found.low <= found.high <= 1


def test_errors_of_many_classes() -> None:
    generator = np.random.default_rng(20)
    p = generator.dirichlet(np.ones(3), 200)
    y = np.array([generator.choice(3, p=row) for row in p])
    each = [ece(y == k, p[:, k], bins=5, resamples=5).estimate for k in range(3)]
    assert ece(y, p, bins=5, classwise=True, resamples=5).estimate == pytest.approx(np.mean(each))
    each = [ace(y == k, p[:, k], bins=5, resamples=5).estimate for k in range(3)]
    assert ace(y, p, bins=5, resamples=5).estimate == pytest.approx(np.mean(each))
    right, top = p.argmax(axis=1) == y, p.max(axis=1)
    assert mce(y, p, bins=5, resamples=5).estimate == pytest.approx(
        mce(right, top, bins=5, resamples=5).estimate
    )


def test_whole_weights_are_copies_of_the_estimate() -> None:
    generator = np.random.default_rng(21)
    y, p, w = generator.random(60) < 0.4, generator.random(60), generator.integers(0, 4, 60)
    yy, pp = np.repeat(y, w), np.repeat(p, w)
    for function in (brier, ece, mce):
        found = function(y, p, weights=w)
        assert found.estimate == pytest.approx(function(yy, pp).estimate)
        assert found.low < found.estimate < found.high or function is not brier
    two = np.column_stack([1 - p, p])
    assert brier(y.astype(int), two, weights=w).estimate == pytest.approx(2 * brier(yy, pp).estimate)
    for bad, match in ((-w, "0 or more"), (0 * w, "above 0"), (w[1:], "59 rows")):
        with pytest.raises(ValueError, match=match):
            ece(y, p, weights=bad)


def test_one_case_says_nothing() -> None:
    for function in (brier, ece, ace, mce):
        found = function([1], [0.7])
        assert (found.low, found.high, found.n) == (0, 1, 1)


def test_certain_and_right_says_little_with_few_cases() -> None:
    for function in (ece, mce, ace):
        found = function([0, 1] * 10, [0, 1] * 10, resamples=20)
        assert (found.estimate, found.low) == (0, 0)
        assert found.high == pytest.approx(1.959963984540054**2 / (20 + 1.959963984540054**2))


def test_copies_in_their_cluster_change_nothing() -> None:
    generator = np.random.default_rng(22)
    p = generator.random(80)
    y = generator.random(80) < p
    for function in (ece, mce):
        once = function(y, p, bins=5, cluster=np.arange(80), resamples=200)
        many = function(
            np.repeat(y, 3), np.repeat(p, 3), bins=5, cluster=np.repeat(np.arange(80), 3), resamples=200
        )
        assert (many.low, many.high) == pytest.approx((once.low, once.high)) and many.n == 80


def test_smallest_probability_lies_in_no_quantile_bin() -> None:
    curve = reliability_curve([0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8], bins=2, binning="quantile")
    assert [(b.low, b.high, b.n) for b in curve] == [(0.2, 0.5, 1), (0.5, 0.8, 2)]
    with pytest.raises(ValueError, match="constant"):
        ece([0, 1], [0.5, 0.5], binning="quantile")


def test_consistency_band_holds_what_calibrated_cases_show() -> None:
    """Half the bins of one calibrated set may not fall outside; over many sets 95% of bins fall inside."""
    generator = np.random.default_rng(23)
    inside, bins = 0, 0
    p = generator.random(300)
    for seed in range(60):
        y = generator.random(300) < p
        for b in reliability_curve(y, p, bins=5, consistency=True, resamples=400, seed=seed):
            assert b.consistency is not None
            inside += b.consistency.low <= b.observed.estimate <= b.consistency.high
            bins += 1
    assert 0.93 <= inside / bins <= 0.985
    assert reliability_curve(y, p)[0].consistency is None


@given(pairs)
def test_spiegelhalter_by_its_formula(cases: list) -> None:
    y, p = np.array([c[0] for c in cases], dtype=float), np.array([c[1] for c in cases])
    variance = np.sum((1 - 2 * p) ** 2 * p * (1 - p))
    if variance <= 0:
        with pytest.raises(ValueError, match="no variance"):
            spiegelhalter(y, p)
        return
    excess = np.sum((y - p) ** 2) - np.sum(p * (1 - p))  # Brier less its expectation
    found = spiegelhalter(y, p)
    assert found.statistic == pytest.approx(excess / np.sqrt(variance), rel=1e-6, abs=1e-9)
    both = (
        spiegelhalter(y, p, alternative="greater").p_value + spiegelhalter(y, p, alternative="less").p_value
    )
    assert both == pytest.approx(1)


@pytest.mark.parametrize("test", [spiegelhalter, lambda y, p: hosmer_lemeshow(y, p, df=10)])
def test_level_of_the_tests(test: Callable[..., CalibrationTest]) -> None:
    generator = np.random.default_rng(24)
    p = expit(1.2 * generator.normal(size=500))
    rejected = np.mean([test(generator.random(500) < p, p).p_value < 0.05 for _ in range(600)])
    assert 0.03 <= rejected <= 0.075


def test_hosmer_lemeshow_by_hand() -> None:
    y, p = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.4, 0.4, 0.7, 0.9]
    found = hosmer_lemeshow(y, p, bins=3)
    assert (found.n, found.observed) == ((2, 2, 2), (0, 1, 2))
    assert found.expected == pytest.approx((0.3, 0.8, 1.6))
    statistic = sum((o - e) ** 2 / (e * (1 - e / 2)) for o, e in zip((0, 1, 2), (0.3, 0.8, 1.6), strict=True))
    assert found.statistic == pytest.approx(statistic)
    assert (found.df, found.p_value) == (1, pytest.approx(chi2.sf(statistic, 1)))
    assert hosmer_lemeshow(y, p, bins=3, df=3).p_value == pytest.approx(chi2.sf(statistic, 3))
    with pytest.raises(ValueError, match="fills 2 groups"):
        hosmer_lemeshow(y, p, bins=2)
    with pytest.raises(ValueError, match="df is 0"):
        hosmer_lemeshow(y, p, bins=3, df=0)


def test_hosmer_lemeshow_of_certain_probabilities() -> None:
    certain = hosmer_lemeshow([0, 0, 1, 1], [0, 0, 1, 1], bins=2, binning="equal-width", df=2)
    assert (certain.statistic, certain.p_value) == (0, 1)
    wrong = hosmer_lemeshow([1, 0, 1, 1], [0, 0, 1, 1], bins=2, binning="equal-width", df=2)
    assert wrong.statistic == np.inf and wrong.p_value == 0


def test_observed_over_expected() -> None:
    y, p = [1] * 30 + [0] * 70, np.full(100, 0.25)
    found = oe_ratio(y, p)
    assert found.estimate == pytest.approx(1.2)
    half = 1.959963984540054 * np.sqrt(0.7 / 30)
    assert (found.low, found.high) == pytest.approx((1.2 * np.exp(-half), 1.2 * np.exp(half)))
    exact = oe_ratio(np.zeros(100), p, method="exact")
    assert (exact.estimate, exact.low) == (0, 0) and exact.high == pytest.approx(4 * (1 - 0.025**0.01))
    with pytest.raises(ValueError, match="no event"):
        oe_ratio(np.zeros(100), p)
    with pytest.raises(ValueError, match="only events"):
        oe_ratio(np.ones(100), p)
    with pytest.raises(ValueError, match="p is 0"):
        oe_ratio([0, 1], [0, 0])


def test_ratio_interval_covers_95_percent() -> None:
    generator = np.random.default_rng(25)
    p = expit(generator.normal(size=300) - 1)
    found = [oe_ratio(generator.random(300) < p, p) for _ in range(1000)]
    assert 0.93 <= np.mean([f.low <= 1 <= f.high for f in found]) <= 0.985


def test_equal_mass_bins_hold_equal_shares() -> None:
    p = np.random.default_rng(0).random(1000) ** 3
    curve = reliability_curve(p > 0.3, p, bins=8, binning="equal-mass")
    assert [b.n for b in curve] == [125] * 8


def test_bins_are_closed_above() -> None:
    curve = reliability_curve([0, 1, 1], [0.0, 0.5, 0.3], bins=10)
    assert [(b.low, b.high) for b in curve] == [(0, 0.1), (0.2, 0.3), (0.4, 0.5)]


def test_ece_of_many_classes_is_of_the_highest_probability() -> None:
    y, p = [0, 1, 2], [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.0, 0.9]]
    expected = ece([1, 0, 1], [0.8, 0.6, 0.9], bins=10).estimate
    assert ece(y, p, bins=10).estimate == pytest.approx(expected) == pytest.approx((0.2 + 0.6 + 0.1) / 3)


def test_ece_of_a_calibrated_model_reaches_down_to_nothing() -> None:
    generator = np.random.default_rng(1)
    p = generator.random(1000)
    calibrated = ece(generator.random(1000) < p, p)
    assert calibrated.low < 0.01
    overconfident = ece(generator.random(1000) < 0.5 + 0.25 * (p - 0.5), p)
    assert 0.12 < overconfident.low < 0.1875 < overconfident.high < 0.25


def test_slope_agrees_with_unpenalised_logistic_regression() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    generator = np.random.default_rng(2)
    x = generator.normal(size=400)
    y = generator.random(400) < expit(0.4 + 0.6 * x)
    line = calibration_slope_intercept(y, expit(x))
    model = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, None], y)
    assert line.slope.estimate == pytest.approx(model.coef_[0, 0], abs=1e-4)
    assert line.intercept.estimate == pytest.approx(model.intercept_[0], abs=1e-4)
    assert line.slope.low < 0.6 < line.slope.high and line.intercept.low < 0.4 < line.intercept.high


def test_slope_interval_covers_95_percent() -> None:
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        x = generator.normal(size=300)
        line = calibration_slope_intercept(generator.random(300) < expit(0.7 * x), expit(x))
        hits += line.slope.low <= 0.7 <= line.slope.high
    assert 0.92 <= hits / 400 <= 0.98


def test_probabilities_of_zero_and_one_have_a_slope() -> None:
    y, p = [0, 0, 0, 1, 1, 1], [0.0, 0.2, 1.0, 0.0, 0.7, 1.0]
    assert np.isfinite(calibration_slope_intercept(y, p).slope.estimate)


def test_no_slope() -> None:
    with pytest.raises(ValueError, match="separates"):
        calibration_slope_intercept([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    with pytest.raises(ValueError, match="constant"):
        calibration_slope_intercept([0, 1], [0.5, 0.5])
    with pytest.raises(ValueError, match="only class"):
        calibration_slope_intercept([1, 1], [0.5, 0.6])


@pytest.mark.parametrize(
    ("y", "p", "match"),
    [
        ([[0], [1]], [0.1, 0.2], r"y has shape \(2, 1\)"),
        ([0, 1], [[0.1], [0.2]], "p has shape"),
        ([0, 1], [0.1, np.nan], "NaN"),
        ([0, 1], [0.1, 1.2], "expected 0 to 1"),
        ([], [], "empty"),
        ([0, 1, 1], [0.1, 0.2], "p has 2 rows, expected 3"),
        ([0, 2], [0.1, 0.2], "only 0 and 1"),
    ],
)
def test_bad_input(y: list, p: list, match: str) -> None:
    """A label column of shape (n, 1) would broadcast to n x n and give .376 where .125 is right."""
    single = (reliability_curve, calibration_slope_intercept, oe_ratio, spiegelhalter, hosmer_lemeshow, ici)
    for function in (brier, ece, ace, mce, *single):
        expected = r"\(2, 1\)" if np.ndim(p) == 2 and function in single else match
        with pytest.raises(ValueError, match=expected):
            function(y, p)


def test_rows_must_be_probabilities() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        brier([0, 1], [[0.5, 0.1], [0.5, 0.5]])
