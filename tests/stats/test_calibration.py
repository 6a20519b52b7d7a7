from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_softmax, softmax

from overread.stats.calibration import (
    brier,
    calibration_slope_intercept,
    conformal_lac_quantile,
    ece,
    fit_temperature,
    reliability_curve,
)

pairs = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=50)

# G17: ten cases of Reinke et al., Understanding metric-related pitfalls, figure SN 2.24.
G17_P = [0.22, 0.48, 0.49, 0.96, 0.55, 0.64, 0.78, 0.82, 0.34, 0.87]
G17_Y = [0, 1, 0, 0, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(("bins", "error", "largest"), [(2, 0.11, 0.12), (5, 0.32, 0.55), (10, 0.36, 0.96)])
def test_published_ten_cases(bins: int, error: float, largest: float) -> None:
    assert ece(G17_Y, G17_P, bins, resamples=20).estimate == pytest.approx(error, abs=0.01)
    curve = reliability_curve(G17_Y, G17_P, bins)
    gaps = [abs(b.observed.estimate - b.mean_predicted) for b in curve]
    assert max(gaps) == pytest.approx(largest, abs=0.01)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("welldata", [0.99424996, -0.04515625, 0.1251856656, 0.01208775956, 0.00873396695]),
        ("misdata", [0.49712498, -0.07445779, 0.1347129032, 0.08144644644, 0.07995528896]),
    ],
)
def test_simulated_sets_of_calzone(goldens_data: Path, file: str, expected: list[float]) -> None:
    """G16: slope, calibration in the large, Brier, ECE by width and by mass of 5,000 cases."""
    with (goldens_data / f"simulated_{file}.csv").open() as f:
        rows = [(float(row["label"]), float(row["proba_1"])) for row in csv.DictReader(f)]
    y, p = np.array(rows).T
    line = calibration_slope_intercept(y, p)
    found = [line.slope.estimate, line.in_the_large.estimate, brier(y, p).estimate]
    assert found == pytest.approx(expected[:3], rel=1e-6)
    assert ece(y, p, resamples=10).estimate == pytest.approx(expected[3], rel=1e-6)
    assert ece(y, p, binning="equal-mass", resamples=10).estimate == pytest.approx(expected[4], rel=0.02)


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
    curve = reliability_curve(y, p, bins, binning)  # type: ignore[arg-type]
    assert sum(b.n for b in curve) == len(cases)
    assert sum(b.n * b.observed.estimate for b in curve) == pytest.approx(y.sum())
    assert all(b.low - 1e-12 <= b.mean_predicted <= b.high + 1e-12 for b in curve)
    assert all(a.high <= b.low for a, b in itertools.pairwise(curve))
    error = sum(b.n * abs(b.observed.estimate - b.mean_predicted) for b in curve) / len(cases)
    found = ece(y, p, bins, binning, resamples=20)  # type: ignore[arg-type]
    assert found.estimate == pytest.approx(error, abs=1e-12)
    assert 0 <= found.low <= found.high <= 1


def test_equal_mass_bins_hold_equal_shares() -> None:
    p = np.random.default_rng(0).random(1000) ** 3
    curve = reliability_curve(p > 0.3, p, 8, "equal-mass")
    assert [b.n for b in curve] == [125] * 8


def test_bins_are_closed_above() -> None:
    curve = reliability_curve([0, 1, 1], [0.0, 0.5, 0.3], 10)
    assert [(b.low, b.high) for b in curve] == [(0, 0.1), (0.2, 0.3), (0.4, 0.5)]


def test_ece_of_many_classes_is_of_the_highest_probability() -> None:
    y, p = [0, 1, 2], [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.0, 0.9]]
    expected = ece([1, 0, 1], [0.8, 0.6, 0.9], 10).estimate
    assert ece(y, p, 10).estimate == pytest.approx(expected) == pytest.approx((0.2 + 0.6 + 0.1) / 3)


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


def test_temperature_is_recovered() -> None:
    generator = np.random.default_rng(4)
    logits = generator.normal(size=(4000, 3)) * 2
    y = np.array([generator.choice(3, p=row) for row in softmax(logits, axis=1)])
    assert fit_temperature(logits * 2.5, y) == pytest.approx(2.5, rel=0.1)
    binary = generator.normal(size=4000) * 2
    labels = generator.random(4000) < expit(binary)
    temperature = fit_temperature(binary * 0.5, labels)
    assert temperature == pytest.approx(0.5, rel=0.1)
    two = np.column_stack([np.zeros(4000), binary * 0.5])
    assert fit_temperature(two, labels.astype(int)) == pytest.approx(temperature, rel=1e-3)


@given(st.integers(0, 1000))
def test_temperature_never_makes_the_fit_worse(seed: int) -> None:
    generator = np.random.default_rng(seed)
    logits, y = generator.normal(size=(30, 3)) * 3, generator.integers(0, 3, 30)
    t = fit_temperature(logits, y)
    assert 0.02 <= t <= 50

    def loss(temperature: float) -> float:
        return float(-log_softmax(logits / temperature, axis=1)[np.arange(30), y].mean())

    assert all(loss(t) <= loss(other) + 1e-9 for other in (0.02, 0.5, 1.0, 2.0, 10.0, 50.0))


def test_temperature_of_separated_classes_is_low_and_positive() -> None:
    assert 0.02 <= fit_temperature([[3.0, 0.0], [0.0, 3.0]], [0, 1]) < 0.1


def test_conformal_sets_cover() -> None:
    """Marginal coverage over many calibration sets: at least nominal, at most 1 / (n + 1) above it."""
    generator = np.random.default_rng(5)
    for n, coverage in ((20, 0.9), (99, 0.9), (50, 0.8)):
        p = generator.random((8000, n + 1))
        held = [1 - row[-1] <= conformal_lac_quantile(row[:-1], coverage) for row in p]
        error = 3 * np.sqrt(coverage * (1 - coverage) / 8000)
        assert coverage - error <= np.mean(held) <= coverage + 1 / (n + 1) + error


def test_conformal_rank() -> None:
    p = 1 - np.arange(1, 10) / 10
    assert conformal_lac_quantile(p, 0.9) == pytest.approx(0.9)  # rank 9 of 9, not 10
    assert conformal_lac_quantile(p, 0.8) == pytest.approx(0.8)
    assert conformal_lac_quantile(p[:8], 0.9) == 1.0  # nine cases are needed for 90%
    with pytest.raises(ValueError, match="coverage"):
        conformal_lac_quantile(p, 1.0)


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
    for function in (brier, ece, reliability_curve, calibration_slope_intercept):
        if function is not brier and np.ndim(p) == 2 and function is not ece:
            match_ = r"\(2, 1\)"
        else:
            match_ = match
        with pytest.raises(ValueError, match=match_):
            function(y, p)


def test_rows_must_be_probabilities() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        brier([0, 1], [[0.5, 0.1], [0.5, 0.5]])
