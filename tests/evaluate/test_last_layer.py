"""Laplace's posterior against the Hessian that torch differentiates, and heads of resampled patients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from overread.evaluate.last_layer import laplace, output_hessian, resampled_heads
from overread.runtime.manifest_uncertainty import Draws
from overread.runtime.uncertainty.heads import drawn, laplace_variance
from overread.runtime.uncertainty.pool import CLASSES, FINDINGS

N, F = 80, 5


def features(n: int = N, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, F))


@pytest.mark.parametrize("pool", [CLASSES, FINDINGS], ids=["classes", "findings"])
def test_the_hessian_of_the_outputs_is_torchs(pool: object) -> None:
    z = np.random.default_rng(1).normal(size=(6, 3))

    def loss(t: torch.Tensor) -> torch.Tensor:
        if pool is CLASSES:
            return torch.nn.functional.cross_entropy(t[None], torch.tensor([1]))
        return torch.nn.functional.binary_cross_entropy_with_logits(
            t, torch.tensor([1.0, 0.0, 1.0]).double(), reduction="sum"
        )

    expected = torch.stack(
        [torch.autograd.functional.hessian(loss, torch.from_numpy(row)) for row in z]
    ).mean(0)
    np.testing.assert_allclose(output_hessian(z, pool), expected.numpy(), atol=1e-10)  # type: ignore[arg-type]


def test_the_posterior_is_the_inverse_of_the_hessian_where_all_cases_are_alike() -> None:
    x = np.repeat(features(1), N, axis=0)
    weight, bias = np.random.default_rng(2).normal(size=(3, F)), np.zeros(3)
    found = laplace(x, weight, bias, FINDINGS)
    # With one kind of case the Kronecker product is the Hessian: in the direction seen, the prior hardly matters.
    p = 1 / (1 + np.exp(-(x[0] @ weight.T)))
    variance = laplace_variance(x[0], found["laplace_features"]) * np.diag(found["laplace_outputs"])
    assert (variance > 0).all() and (variance < 1 / (N * p * (1 - p))).all()


def test_what_was_not_seen_is_less_sure() -> None:
    x = features() * np.array([1, 1, 1, 1, 0.01])
    found = laplace(x, np.random.default_rng(3).normal(size=(2, F)), np.zeros(2), CLASSES)
    seen, strange = np.array([1.0, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 10.0])
    assert laplace_variance(strange, found["laplace_features"]) > 10 * laplace_variance(
        seen, found["laplace_features"]
    )
    more = laplace(
        np.concatenate([x] * 10), np.random.default_rng(3).normal(size=(2, F)), np.zeros(2), CLASSES
    )
    assert laplace_variance(seen, more["laplace_features"]) < laplace_variance(
        seen, found["laplace_features"]
    )
    arrays = found | {"head_weight": np.zeros((2, F)), "head_bias": np.zeros(2)}
    assert np.isfinite(drawn(strange, Draws(method="laplace"), arrays)).all()


def test_outputs_that_are_no_classes_have_no_posterior() -> None:
    pmf = type(CLASSES)(lambda z: np.ones((*z.shape[:-1], 1, 4)) / 4, CLASSES.logits)
    with pytest.raises(ValueError, match="3 outputs for 1 x 4 outcomes"):
        output_hessian(np.zeros((2, 3)), pmf)


@pytest.mark.parametrize("kind", ["classes", "findings"])
def test_heads_agree_where_there_are_many_patients_and_part_where_there_are_few(kind: str) -> None:
    pool, outputs = (CLASSES, 2) if kind == "classes" else (FINDINGS, 1)
    generator = np.random.default_rng(0)
    spread = []
    for n in (40, 4000):
        x = features(n)
        y = (generator.random(n) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(float)[:, None]
        own = np.zeros((outputs, F))
        own[-1, 0] = 2.0
        found = resampled_heads(x, y, np.arange(n), own, np.zeros(outputs), pool, heads=4)
        assert found["heads_weight"].shape == (4, outputs, F) and found["heads_bias"].shape == (4, outputs)
        z = drawn(np.eye(F)[0], Draws(method="heads", draws=4), found)
        odds = z[:, -1] - (z[:, 0] if kind == "classes" else 0)
        assert 1 < odds.mean() < 4
        spread.append(odds.std())
    assert spread[0] > 2 * spread[1]
    again = resampled_heads(x, y, np.arange(n), own, np.zeros(outputs), pool, heads=4)
    np.testing.assert_array_equal(again["heads_weight"], found["heads_weight"])
