"""The evidential loss: against torch's Dirichlet distribution, and what it teaches."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Dirichlet, kl_divergence
from torch.nn.functional import softplus

from overread.errors import InputError
from overread.learn.losses import build_loss
from overread.learn.plan import Named


def loss(**arguments: float) -> object:
    return build_loss(Named(name="evidential", arguments=arguments), answer="classes")


def test_it_is_the_expected_cross_entropy_and_torchs_divergence() -> None:
    torch.manual_seed(0)
    z, y = torch.randn(5, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 1, 0])
    alpha = 1 + softplus(z)
    samples = Dirichlet(alpha).sample((200_000,))
    expected = -samples[:, torch.arange(5), y].log().mean()
    found = loss(prior=0.0)({"logits": z}, {"label": y})  # type: ignore[operator]
    assert float(found) == pytest.approx(float(expected), rel=0.02)
    onehot = torch.eye(3, dtype=torch.float64)[y]
    wrong = onehot + (1 - onehot) * alpha
    divergence = kl_divergence(Dirichlet(wrong), Dirichlet(torch.ones_like(wrong))).mean()
    with_prior = loss(prior=1.0)({"logits": z}, {"label": y})  # type: ignore[operator]
    assert float(with_prior - found) == pytest.approx(float(divergence), rel=1e-4)


def test_evidence_for_the_right_class_costs_less_than_none_than_that_for_the_wrong() -> None:
    y = torch.tensor([0])
    right, none, wrong = (
        float(loss()({"logits": torch.tensor([row])}, {"label": y}))  # type: ignore[operator]
        for row in ([8.0, -8.0], [-8.0, -8.0], [-8.0, 8.0])
    )
    assert right < none < wrong
    with pytest.raises(InputError, match="prior: found -1"):
        loss(prior=-1.0)
