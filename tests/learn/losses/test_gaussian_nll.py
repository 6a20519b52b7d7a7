"""The likelihood of a number, by PyTorch's own and by what its minimum is."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from overread.learn.losses.gaussian_nll import gaussian_nll

Z = torch.tensor([[0.5, -0.3], [1.0, 0.4], [-2.0, 0.1]], dtype=torch.float64)
Y = torch.tensor([[0.2], [1.7], [-1.0]], dtype=torch.float64)


def test_with_beta_0_it_is_torchs_own() -> None:
    expected = F.gaussian_nll_loss(Z[:, 0], Y[:, 0], torch.exp(2 * Z[:, 1]))
    assert gaussian_nll(beta=0)({"logits": Z}, {"value": Y}).item() == pytest.approx(expected.item())


def test_with_beta_1_the_number_is_learnt_as_by_squared_error() -> None:
    z = Z.clone().requires_grad_()
    gaussian_nll(beta=1)({"logits": z}, {"value": Y}).backward()
    assert z.grad is not None
    assert torch.allclose(z.grad[:, 0], (Z[:, 0] - Y[:, 0]) / 3)


def test_an_image_without_a_number_counts_nothing() -> None:
    holed = torch.cat([Y[:2], torch.tensor([[float("nan")]])])
    z = Z.clone().requires_grad_()
    found = gaussian_nll()({"logits": z}, {"value": holed})
    found.backward()
    assert found.item() == pytest.approx(gaussian_nll()({"logits": Z[:2]}, {"value": Y[:2]}).item())
    assert z.grad is not None and not z.grad[2].any() and torch.isfinite(z.grad).all()
    nothing = torch.full((3, 1), float("nan"))
    assert gaussian_nll()({"logits": Z}, {"value": nothing}).item() == 0


def test_beta_outside_its_range_is_named() -> None:
    with pytest.raises(ValueError, match="beta"):
        gaussian_nll(beta=2)
