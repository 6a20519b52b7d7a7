from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, softmax

from overread.stats.calibration import (
    BetaCalibration,
    Calibrator,
    IsotonicCalibration,
    PlattScaling,
    TemperatureScaling,
    VectorScaling,
    brier,
    calibrator_from_dict,
    fit_temperature,
)


def _binary(n: int = 400, seed: int = 0) -> tuple[NDArray, NDArray]:
    generator = np.random.default_rng(seed)
    s = generator.normal(size=n)
    return s, generator.random(n) < expit(0.4 + 1.7 * s)


def _classes(n: int = 3000, seed: int = 1) -> tuple[NDArray, NDArray]:
    generator = np.random.default_rng(seed)
    z = 2 * generator.normal(size=(n, 3))
    return z, (softmax(z, axis=1).cumsum(axis=1) < generator.random(n)[:, None]).sum(axis=1)


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


def test_temperature_object_uses_the_same_fit() -> None:
    z, y = _classes(300)
    found = TemperatureScaling.fit(z, y)
    assert found.temperature == fit_temperature(z, y)
    np.testing.assert_allclose(found.transform(z), softmax(z / found.temperature, axis=1))
    np.testing.assert_allclose(found.predict([0.0, 2.0]), expit(np.array([0, 2]) / found.temperature))


def test_vector_scaling_recovers_what_was_done_to_the_logits() -> None:
    z, y = _classes()
    scale, bias = np.array([0.5, 1.0, 2.0]), np.array([0.5, -1.0, 0.5])
    found = VectorScaling.fit((z - bias) / scale, y)
    np.testing.assert_allclose(found.scale, scale, rtol=0.15)
    np.testing.assert_allclose(found.bias, bias, atol=0.2)
    assert sum(found.bias) == pytest.approx(0, abs=1e-12)


@given(st.integers(0, 10_000))
def test_vector_scaling_is_at_least_as_likely_as_temperature(seed: int) -> None:
    generator = np.random.default_rng(seed)
    z, y = 2 * generator.normal(size=(60, 3)), generator.integers(0, 3, 60)

    def loss(p: NDArray) -> float:
        return float(-np.log(p[np.arange(60), y]).mean())

    found = VectorScaling.fit(z, y)
    assert loss(found.transform(z)) <= loss(TemperatureScaling.fit(z, y).transform(z)) + 1e-6


def test_vector_scaling_agrees_with_a_general_fit() -> None:
    """Of two classes it is a logistic regression on the two logits."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    generator = np.random.default_rng(2)
    z = generator.normal(size=(300, 2))
    y = (generator.random(300) < expit(z[:, 1] - 0.5 * z[:, 0] + 0.3)).astype(int)
    model = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000).fit(z, y)
    found = VectorScaling.fit(z, y)
    assert (-found.scale[0], found.scale[1]) == pytest.approx(tuple(model.coef_[0]), abs=1e-3)
    np.testing.assert_allclose(found.transform(z), model.predict_proba(z), atol=1e-4)


def test_platt_agrees_with_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    s, y = _binary()
    s = 1000 + 30 * s  # any scale of scores
    plain = PlattScaling.fit(s, y, smoothed=False)
    model = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(
        (s[:, None] - 1000) / 30, y
    )
    expected = model.predict_proba((s[:, None] - 1000) / 30)[:, 1]
    np.testing.assert_allclose(plain.transform(s), expected, atol=1e-5)
    smoothed = PlattScaling.fit(s, y)
    target = np.where(y, (y.sum() + 1) / (y.sum() + 2), 1 / ((~y).sum() + 2))
    assert smoothed.transform(s).mean() == pytest.approx(target.mean())  # the score equation of the intercept
    twice = PlattScaling.fit(np.repeat(s, 2), np.repeat(y, 2), smoothed=False)
    weighted = PlattScaling.fit(s, y, smoothed=False, weights=np.full(len(s), 2.0))
    assert (weighted.slope, weighted.intercept) == pytest.approx((twice.slope, twice.intercept))


def test_platt_agrees_with_scikit_learns_own() -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    s, y = _binary(150, 5)
    model = calibration._SigmoidCalibration().fit(s, y)
    found = PlattScaling.fit(s, y)
    assert (found.slope, found.intercept) == pytest.approx((-model.a_, -model.b_), abs=1e-3)


def test_platt_of_separated_classes() -> None:
    s, y = np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1])
    found = PlattScaling.fit(s, y)
    assert 0 < found.transform(s)[0] < 0.3 < 0.7 < found.transform(s)[-1] < 1
    with pytest.raises(ValueError, match="smoothed=True"):
        PlattScaling.fit(s, y, smoothed=False)
    with pytest.raises(ValueError, match="constant"):
        PlattScaling.fit([1, 1], [0, 1])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=50), st.integers(0, 99))
def test_isotonic_agrees_with_scikit_learn(cases: list[tuple[bool, int]], seed: int) -> None:
    isotonic = pytest.importorskip("sklearn.isotonic")
    y, s = np.array([c[0] for c in cases]), np.array([c[1] / 20 for c in cases])
    w = np.random.default_rng(seed).integers(1, 4, len(y)).astype(float)
    grid = np.linspace(-0.2, 1.2, 57)
    for weights in (None, w):
        model = isotonic.IsotonicRegression(out_of_bounds="clip").fit(s, y, sample_weight=weights)
        found = IsotonicCalibration.fit(s, y, weights=weights)
        np.testing.assert_allclose(found.transform(grid), model.predict(grid), atol=1e-9)
        assert all(a <= b for a, b in zip(found.p, found.p[1:], strict=False))


def test_beta_calibration_finds_its_own_family() -> None:
    generator = np.random.default_rng(3)
    p = generator.beta(2, 2, 20_000)
    a, b, c = 0.6, 1.8, 0.4
    y = generator.random(20_000) < expit(a * np.log(p) - b * np.log1p(-p) + c)
    found = BetaCalibration.fit(p, y)
    assert (found.a, found.b, found.c) == pytest.approx((a, b, c), abs=0.15)
    identity = BetaCalibration.fit(p, generator.random(20_000) < p)
    assert (identity.a, identity.b, identity.c) == pytest.approx((1, 1, 0), abs=0.1)


def test_beta_agrees_with_logistic_regression() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    s, y = _binary()
    p = expit(s)
    features = np.column_stack([np.log(p), -np.log1p(-p)])
    model = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(features, y)
    assert (model.coef_ > 0).all()
    found = BetaCalibration.fit(p, y)
    np.testing.assert_allclose(found.transform(p), model.predict_proba(features)[:, 1], atol=1e-4)
    one = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000)
    one.fit(features.sum(axis=1, keepdims=True), y)
    am = BetaCalibration.fit(p, y, parameters="am")
    assert am.a == am.b == pytest.approx(one.coef_[0, 0], abs=1e-3)
    half = BetaCalibration.fit(p, y, parameters="ab")
    assert half.transform([0.5])[0] == pytest.approx(0.5)


def test_beta_never_falls() -> None:
    generator = np.random.default_rng(4)
    p = generator.random(200)
    found = BetaCalibration.fit(p, generator.random(200) < 1 - p)  # probabilities that speak the wrong way
    assert found.a >= 0 and found.b >= 0
    assert (np.diff(found.transform(np.linspace(0, 1, 50))) >= -1e-12).all()
    with pytest.raises(ValueError, match="parameters"):
        BetaCalibration.fit(p, p > 0.5, parameters="abc")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="constant"):
        BetaCalibration.fit([0.5, 0.5], [0, 1])


def test_probabilities_of_zero_and_one_stay_finite() -> None:
    p, y = np.array([0.0, 0.0, 0.3, 0.7, 1.0, 1.0, 0.0, 1.0]), np.array([0, 0, 0, 1, 1, 1, 1, 0])
    for parameters in ("abm", "ab", "am"):
        found = BetaCalibration.fit(p, y, parameters=parameters)
        assert np.isfinite([found.a, found.b, found.c]).all()
        assert np.isfinite(found.transform(p)).all()
    assert np.isfinite(IsotonicCalibration.fit(p, y).transform([0, 0.5, 1])).all()


@pytest.mark.parametrize(
    "calibrator",
    [
        TemperatureScaling(1.5),
        VectorScaling((1.0, 2.0), (0.5, -0.5)),
        PlattScaling(2.0, -1.0),
        IsotonicCalibration((0.1, 0.4, 0.9), (0.0, 0.5, 1.0)),
        BetaCalibration(1.2, 0.8, 0.1),
    ],
)
def test_parameters_go_through_json(calibrator: Calibrator) -> None:
    again = calibrator_from_dict(json.loads(json.dumps(calibrator.as_dict())))
    assert again == calibrator
    x = [[0.3, 0.6], [0.2, 0.1]] if isinstance(calibrator, VectorScaling) else [0.3, 0.6]
    np.testing.assert_array_equal(again.transform(x), calibrator.transform(x))


@pytest.mark.parametrize(
    "data", [{}, {"kind": "spline"}, {"kind": "platt", "slope": 1.0}, {"kind": "beta", "k": 1}]
)
def test_unknown_parameters(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind is|do not fit"):
        calibrator_from_dict(data)


def test_calibrators_improve_an_overconfident_model() -> None:
    s, y = _binary(2000, 6)
    worse, new = 4 * s, _binary(2000, 7)
    before = brier(new[1], expit(4 * new[0])).estimate
    for fitted, x in (
        (TemperatureScaling.fit(worse, y), 4 * new[0]),
        (PlattScaling.fit(worse, y), 4 * new[0]),
        (IsotonicCalibration.fit(worse, y), 4 * new[0]),
        (BetaCalibration.fit(expit(worse), y), expit(4 * new[0])),
    ):
        assert brier(new[1], fitted.transform(x)).estimate < before - 0.005


@pytest.mark.parametrize("kind", [PlattScaling, IsotonicCalibration, BetaCalibration])
def test_bad_input(kind: Any) -> None:
    for x, y, match in (
        ([0.1, np.nan], [0, 1], "NaN"),
        ([[0.1], [0.2]], [0, 1], r"\(2, 1\)"),
        ([0.1, 0.2], [[0], [1]], r"\(2, 1\)"),
        ([0.1, 0.2, 0.3], [0, 1], "y has 2 rows"),
        ([], [], "empty"),
    ):
        with pytest.raises(ValueError, match=match):
            kind.fit(x, y)
    with pytest.raises(ValueError, match="3 columns"):
        VectorScaling((1.0, 1.0), (0.0, 0.0)).transform(np.zeros((2, 3)))
