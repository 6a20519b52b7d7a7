"""What is not stated counts neither in the value nor in the gradient."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from overread.learn.losses.binary_cross_entropy import binary_cross_entropy

NAN = math.nan


def test_value_is_the_mean_over_what_is_stated() -> None:
    logits = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    labels = torch.tensor([[1.0, NAN], [0.0, NAN]])
    expected = F.binary_cross_entropy_with_logits(logits[:, 0], labels[:, 0])
    value = binary_cross_entropy()({"logits": logits}, {"labels": labels})
    assert value.item() == pytest.approx(expected.item())


def test_unstated_findings_have_no_gradient_and_move_no_others() -> None:
    labels = torch.tensor([[1.0, NAN, 0.0], [NAN, NAN, 1.0]])
    gradients = []
    for other in (0.0, 1000.0):
        logits = torch.tensor([[0.3, other, -1.0], [other, -other, 2.0]], requires_grad=True)
        binary_cross_entropy()({"logits": logits}, {"labels": labels}).backward()
        assert logits.grad is not None and torch.isfinite(logits.grad).all()
        assert (logits.grad[torch.isnan(labels)] == 0).all()
        assert (logits.grad[~torch.isnan(labels)] != 0).all()
        gradients.append(logits.grad[~torch.isnan(labels)])
    torch.testing.assert_close(*gradients)


def test_nothing_stated_is_no_loss() -> None:
    logits = torch.randn(4, 2, requires_grad=True)
    value = binary_cross_entropy()({"logits": logits}, {"labels": torch.full((4, 2), NAN)})
    value.backward()
    assert value.item() == 0 and (logits.grad == 0).all()
