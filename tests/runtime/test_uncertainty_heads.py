"""Draws of a last layer: what torch gives with the same masks and weights, and the same for every image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.runtime.models import manifest
from torch import nn

from overread.runtime.manifest_uncertainty import Draws, Uncertainty
from overread.runtime.uncertainty.heads import drawn, evidence, laplace_variance, masks

F, K = 12, 3


def head(seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {"head_weight": generator.normal(size=(K, F)), "head_bias": generator.normal(size=K)}


def test_dropout_is_torchs_with_the_same_masks() -> None:
    arrays, draws = head(), Draws(method="dropout", draws=200, rate=0.3)
    f = np.random.default_rng(1).normal(size=F)
    kept = masks(draws, F)
    layer = nn.Linear(F, K).double()
    layer.weight.data, layer.bias.data = map(torch.from_numpy, (arrays["head_weight"], arrays["head_bias"]))
    expected = layer(torch.from_numpy(f) * torch.from_numpy(kept) / 0.7)
    np.testing.assert_allclose(drawn(f, draws, arrays), expected.detach().numpy(), atol=1e-12)
    assert 0.65 < kept.mean() < 0.75


def test_torchs_own_dropout_has_the_same_mean_and_spread() -> None:
    arrays, draws = head(), Draws(method="dropout", draws=4096, rate=0.4)
    f = np.random.default_rng(2).normal(size=F)
    torch.manual_seed(0)
    many = torch.dropout(torch.from_numpy(f).expand(20000, F), 0.4, True).numpy()
    torchs = many @ arrays["head_weight"].T + arrays["head_bias"]
    ours = drawn(f, draws, arrays)
    np.testing.assert_allclose(ours.mean(0), torchs.mean(0), atol=0.2)
    np.testing.assert_allclose(ours.std(0), torchs.std(0), rtol=0.06)


def test_laplace_draws_have_the_covariance_of_the_posterior() -> None:
    generator = np.random.default_rng(3)
    a, g = generator.normal(size=(F + 1, F + 1)), generator.normal(size=(K, K))
    arrays = head() | {"laplace_features": a @ a.T, "laplace_outputs": g @ g.T}
    f = generator.normal(size=F)
    # Torch: the posterior of the weights is the Kronecker product, the logits are linear in them.
    x = torch.from_numpy(np.append(f, 1.0))
    jacobian = torch.kron(torch.eye(K, dtype=torch.float64), x[None])
    full = torch.kron(torch.from_numpy(g @ g.T), torch.from_numpy(a @ a.T))
    expected = (jacobian @ full @ jacobian.T).numpy()
    np.testing.assert_allclose(laplace_variance(f, a @ a.T) * (g @ g.T), expected, rtol=1e-10)
    z = drawn(f, Draws(method="laplace", draws=4096), arrays)
    np.testing.assert_allclose(z.mean(0), arrays["head_weight"] @ f + arrays["head_bias"], atol=1e-9)
    np.testing.assert_allclose(np.cov(z.T), expected, atol=0.1 * np.abs(expected).max())


def test_several_heads_and_one_answer_for_an_image() -> None:
    generator = np.random.default_rng(4)
    arrays = {"heads_weight": generator.normal(size=(4, K, F)), "heads_bias": generator.normal(size=(4, K))}
    f = generator.normal(size=F)
    z = drawn(f, Draws(method="heads", draws=4), arrays)
    np.testing.assert_allclose(z[2], arrays["heads_weight"][2] @ f + arrays["heads_bias"][2])
    draws = Draws(method="dropout", draws=8, rate=0.5)
    np.testing.assert_array_equal(drawn(f, draws, head()), drawn(f, draws, head()))


def test_evidence_is_the_mean_of_its_dirichlet() -> None:
    z = np.array([3.0, -2.0], np.float32)
    out = evidence({"logits": z}, manifest(uncertainty={"evidential": True}))
    alpha = 1 + torch.nn.functional.softplus(torch.from_numpy(z.astype(np.float64)))
    expected = torch.distributions.Dirichlet(alpha).mean.numpy()
    p = np.exp(out["logits"]) / np.exp(out["logits"]).sum()
    np.testing.assert_allclose(p, expected, atol=1e-6)
    assert np.isclose(out["vacuity"][0], 2 / alpha.sum().item())
    assert (
        evidence({"logits": np.full(2, -50.0, np.float32)}, manifest(uncertainty={"evidential": True}))[
            "vacuity"
        ][0]
        == 1
    )
    assert evidence({"logits": z}, manifest()) == {"logits": z}


def test_evidence_is_not_drawn_from() -> None:
    with pytest.raises(ValueError, match="draws and evidential: found both"):
        Uncertainty(features="features", evidential=True, draws=Draws(method="laplace"))
