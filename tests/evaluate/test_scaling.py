"""The richer scaling is taken where it is better on others, and only there; ranks stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit, softmax
from tests.runtime.models import manifest

from overread.evaluate.scaling import _vector, curve_of, vector_of
from overread.runtime.manifest import Manifest
from overread.runtime.manifest_calibration import Calibration, Curve
from overread.runtime.probability import curved
from overread.runtime.tasks.classification import calibrated


def classes(shift: float, n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of three classes, of which one is ``shift`` too high, true probabilities, and drawn classes."""
    generator = np.random.default_rng(seed)
    true = generator.normal(0, 2, (n, 3))
    p = softmax(true, axis=1)
    y = (p.cumsum(axis=1) > generator.random((n, 1))).argmax(axis=1)
    return true + np.array([shift, 0, 0]), p, y


def test_a_class_that_is_too_likely_gets_an_intercept_of_its_own() -> None:
    z, _, y = classes(2.0)
    vector, why = vector_of(z, y)
    assert len(vector) == 3 and why.startswith("a scale for each class")
    assert vector[1].intercept - vector[0].intercept > 1
    new, p, _ = classes(2.0, seed=1)
    found = calibrated(new, Calibration(vector=vector))[1]
    assert np.abs(found - p).mean() < 0.5 * np.abs(softmax(new, axis=1) - p).mean()


def test_one_temperature_is_enough_where_it_is() -> None:
    z, _, y = classes(0.0)
    assert vector_of(2 * z, y)[0] == []
    few, why = vector_of(z[:40], y[:40])
    assert few == [] and "tuning patients of a class" in why
    many, why = vector_of(z, y, cluster=np.arange(600) // 60)
    assert many == [] and why.startswith("temperature:")


def test_two_classes_whose_logits_mirror_each_other_share_a_slope() -> None:
    # Without a bound -3.0 and 4.7 came out on a real set: right while the logits mirror each other, and wrong beyond.
    generator = np.random.default_rng(0)
    odds = generator.normal(0, 3, 600)
    y = (generator.random(600) < expit(0.4 * odds + 1)).astype(np.int64)
    z = np.stack([-odds, odds], axis=1) / 2 + generator.normal(0, 0.05, (600, 2))
    vector, why = vector_of(z, y)
    assert why.startswith("a scale for each class")
    assert vector[0].slope == vector[1].slope == pytest.approx(0.4, rel=0.15)
    assert vector[1].intercept - vector[0].intercept == pytest.approx(1, abs=0.3)


@given(st.integers(0, 2**32 - 1), st.integers(3, 5))
def test_every_slope_is_above_0(seed: int, k: int) -> None:
    generator = np.random.default_rng(seed)
    z = generator.normal(0, 2, (40 * k, k))
    y = np.arange(40 * k) % k
    z[np.arange(40 * k), y] += generator.normal(0, 2, 40 * k)
    vector = _vector(z, y)
    assert min(s.slope for s in vector) > 0
    # Nothing is said by what all logits have in common.
    assert sum(s.intercept for s in vector) == pytest.approx(0, abs=1e-6)


def findings(bend: bool, n: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log odds of a network, which mean what they say or hardly differ in truth above 0, and the truth."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(0, 2, n)
    p = expit(np.where(odds > 0, 0.05 * odds, 2 * odds) if bend else odds)
    return odds, p, generator.random(n) < p


def test_a_bent_finding_gets_a_curve_that_keeps_ranks() -> None:
    odds, _, truth = findings(bend=True)
    curve, why = curve_of(odds, truth)
    assert curve is not None and why.startswith("isotonic curve")
    new, p, _ = findings(bend=True, seed=1)
    found = np.array([curved(v, curve) for v in new])
    assert np.abs(expit(found) - p).mean() < 0.03
    assert (np.argsort(found) == np.argsort(new)).all()
    # Beyond the ends it rises on.
    assert curved(99.0, curve) > curved(98.0, curve) > max(curve.calibrated)


def test_a_straight_finding_keeps_its_line() -> None:
    odds, _, truth = findings(bend=False, n=800)
    curve, why = curve_of(odds, truth)
    assert curve is None and why.startswith("Platt")
    assert curve_of(odds[:150], truth[:150])[1].endswith("a curve needs 100")


@pytest.mark.parametrize("odds", [np.zeros(400), np.arange(400) % 3.0])
def test_a_network_that_says_the_same_of_all_has_nothing_to_bend(odds: np.ndarray) -> None:
    curve, why = curve_of(odds, np.arange(400) < 200)
    assert curve is None and why.endswith("different scores, a curve needs 10")


def test_what_a_package_refuses() -> None:
    with pytest.raises(ValueError, match="all rising"):
        Curve(odds=[0, 1], calibrated=[1, 1])
    scale = {"slope": 1, "intercept": 0}
    with pytest.raises(ValueError, match=r"calibration\.vector: found 1 scales"):
        manifest(calibration={"vector": [scale]})
    assert Manifest.model_validate(manifest(calibration={"vector": [scale] * 2}).model_dump(mode="json"))
    assert curved(float(logit(0.5)), Curve(odds=[-1, 1], calibrated=[-2, 2])) == 0
