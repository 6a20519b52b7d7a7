"""Several answers together: means of probabilities, logarithmic pools, and what they disagree about."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import entropy

from overread.runtime.manifest_calibration import Scale
from overread.runtime.manifest_uncertainty import Member
from overread.runtime.uncertainty.pool import (
    CLASSES,
    FINDINGS,
    calibrated,
    mutual_information,
    pooled,
    together,
)

Z = np.random.default_rng(0).normal(0, 3, (4, 3))
WEIGHTS = [1.0, 2.0, 0.0, 1.0]


@pytest.mark.parametrize("pool", [CLASSES, FINDINGS], ids=["classes", "findings"])
def test_logits_and_probabilities_are_inverse(pool: object) -> None:
    p = pool.probability(Z[0])  # type: ignore[attr-defined]
    np.testing.assert_allclose(pool.probability(pool.logits(p)), p, atol=1e-12)  # type: ignore[attr-defined]
    np.testing.assert_allclose(p.sum(axis=-1), 1)


def test_mean_of_probabilities() -> None:
    w = np.array(WEIGHTS) / 4
    z = together(Z, WEIGHTS, CLASSES)
    np.testing.assert_allclose(softmax(z), w @ softmax(Z, axis=1), atol=1e-12)
    z = together(Z, WEIGHTS, FINDINGS)
    np.testing.assert_allclose(expit(z), w @ expit(Z), atol=1e-12)


def test_logarithmic_pool() -> None:
    found = softmax(together(Z, WEIGHTS, CLASSES, how="stacked"))
    np.testing.assert_allclose(found, softmax(np.array(WEIGHTS) @ Z), atol=1e-9)
    found = expit(together(Z, WEIGHTS, FINDINGS, how="stacked"))
    np.testing.assert_allclose(found, expit(np.array(WEIGHTS) @ Z), atol=1e-9)


@pytest.mark.parametrize("how", ["average", "stacked"])
@pytest.mark.parametrize("pool", [CLASSES, FINDINGS], ids=["classes", "findings"])
def test_equals_give_themselves(pool: object, how: str) -> None:
    same = np.repeat(Z[:1], 3, axis=0)
    weights = [1.0] * 3 if how == "average" else [0.2, 0.3, 0.5]
    found = together(same, weights, pool, how=how)  # type: ignore[arg-type]
    np.testing.assert_allclose(pool.probability(found), pool.probability(Z[0]), atol=1e-9)  # type: ignore[attr-defined]
    np.testing.assert_allclose(mutual_information(same, weights, pool), 0, atol=1e-12)  # type: ignore[arg-type]


def test_many_at_once_are_each_by_itself() -> None:
    many = np.random.default_rng(1).normal(size=(5, 4, 3))
    found = together(many, WEIGHTS, CLASSES)
    for one, z in zip(found, many, strict=True):
        np.testing.assert_allclose(one, together(z, WEIGHTS, CLASSES))


def test_mutual_information_is_scipys_entropy_of_the_mean_less_the_mean_entropy() -> None:
    w, p = np.array(WEIGHTS) / 4, softmax(Z, axis=1)
    expected = (entropy(w @ p) - w @ entropy(p, axis=1)) / np.log(3)
    assert np.isclose(mutual_information(Z, WEIGHTS, CLASSES)[0], expected)
    # Two networks that are certain of opposite findings disagree as far as they can.
    assert np.isclose(mutual_information(np.array([[90.0], [-90.0]]), [1, 1], FINDINGS)[0], 1)


def test_saturated_members_stay_finite() -> None:
    out = pooled([{"logits": np.array([800.0, -800.0], np.float32)}] * 2, [1, 1], CLASSES)
    assert np.isfinite(out["logits"]).all() and out["draws"].shape == (2, 2)


def test_dense_outputs_are_averaged_as_they_are() -> None:
    one, two = ({"probability": np.full((2, 4), v, np.float32)} for v in (0.2, 0.8))
    np.testing.assert_allclose(pooled([one, two], [3, 1], None)["probability"], 0.35, atol=1e-6)


def test_a_member_keeps_its_own_calibration() -> None:
    member = Member(file="model-1.onnx", temperature=2, scales=[Scale(slope=3, intercept=1)])
    assert calibrated({"logits": np.array([4.0], np.float32)}, member)["logits"][0] == 7
