"""Smooth L1 of a number, and a spread that follows the error and moves nothing."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from overread.learn.losses.smooth_l1 import smooth_l1

Z = torch.tensor([[0.5, -0.3], [1.0, 0.4], [-2.0, 0.1]], dtype=torch.float64)
Y = torch.tensor([[0.2], [1.7], [-1.0]], dtype=torch.float64)


def test_the_number_is_torchs_smooth_l1_and_the_spread_moves_it_in_no_way() -> None:
    plain = smooth_l1(spread_weight=0)({"logits": Z}, {"value": Y})
    assert plain.item() == pytest.approx(F.smooth_l1_loss(Z[:, 0], Y[:, 0], beta=0.5).item())
    grads = []
    for weight in (0.0, 1.0):
        z = Z.clone().requires_grad_()
        smooth_l1(spread_weight=weight)({"logits": z}, {"value": Y}).backward()
        grads.append(z.grad)
    assert torch.equal(grads[0][:, 0], grads[1][:, 0])


def test_the_spread_is_least_at_the_absolute_error() -> None:
    error = (Y[:, 0] - Z[:, 0]).abs()
    z = torch.stack([Z[:, 0], error.log()], 1).requires_grad_()
    smooth_l1()({"logits": z}, {"value": Y}).backward()
    assert z.grad is not None and torch.allclose(
        z.grad[:, 1], torch.zeros(3, dtype=torch.float64), atol=1e-12
    )


def test_an_image_without_a_number_counts_nothing() -> None:
    holed = torch.cat([Y[:2], torch.tensor([[float("nan")]])])
    found = smooth_l1()({"logits": Z}, {"value": holed})
    assert found.item() == pytest.approx(smooth_l1()({"logits": Z[:2]}, {"value": Y[:2]}).item())
    with pytest.raises(ValueError, match="beta"):
        smooth_l1(beta=0)
