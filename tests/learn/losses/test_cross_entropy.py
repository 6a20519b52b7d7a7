"""Cross-entropy, by hand and by PyTorch's own."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from overread.learn.losses.cross_entropy import cross_entropy

Z = torch.tensor([[0.3, -1.2, 2.0], [1.5, 0.2, -0.7]], dtype=torch.float64)
Y = torch.tensor([0, 2])


def test_it_is_the_negative_log_probability_of_the_class() -> None:
    outputs, targets = {"logits": torch.tensor([[0.0, math.log(3)]])}, {"label": torch.tensor([1])}
    assert cross_entropy()(outputs, targets).item() == pytest.approx(-math.log(0.75))
    assert cross_entropy(smoothing=0.2)(outputs, targets).item() == pytest.approx(
        -(0.9 * math.log(0.75) + 0.1 * math.log(0.25))
    )


def test_shares_and_weights_are_torchs_own() -> None:
    shares = torch.tensor([[0.2, 0.5, 0.3], [0, 0, 1]], dtype=torch.float64)
    found = cross_entropy(smoothing=0.1)({"logits": Z}, {"label": shares})
    assert found.item() == pytest.approx(F.cross_entropy(Z, shares, label_smoothing=0.1).item())
    w = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
    found = cross_entropy(weights=[1.0, 2.0, 5.0])({"logits": Z}, {"label": Y})
    assert found.item() == pytest.approx(F.cross_entropy(Z, Y, weight=w).item())


def test_adjusted_logits_learn_what_is_left_when_classes_are_as_common() -> None:
    """The logits that minimise the adjusted loss are the log ratios of likelihood, without the classes' frequency."""
    counts = torch.tensor([80.0, 20.0], dtype=torch.float64)
    prior = (counts / 100).log().tolist()
    z = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    loss = cross_entropy(adjust=prior)({"logits": z}, {"label": counts[None] / 100})
    loss.backward()
    assert z.grad is not None and torch.allclose(z.grad, torch.zeros_like(z.grad), atol=1e-12)


def test_wrong_arguments_are_named() -> None:
    for wrong, said in (
        ({"smoothing": 1.0}, "smoothing"),
        ({"weights": [1, -1]}, "weights"),
        ({"adjust": [math.inf]}, "adjust"),
    ):
        with pytest.raises(ValueError, match=said):
            cross_entropy(**wrong)
