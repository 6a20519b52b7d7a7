"""Losses that wrong labels pull less: by hand, at their ends, and how far one wrong label can pull."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from overread.learn.losses.generalised_cross_entropy import generalised_cross_entropy
from overread.learn.losses.symmetric_cross_entropy import symmetric_cross_entropy

Z = torch.tensor([[0.3, -1.2, 2.0], [1.5, 0.2, -0.7]], dtype=torch.float64)
Y = torch.tensor([0, 2])


def test_symmetric_cross_entropy_by_hand() -> None:
    p = torch.softmax(Z, 1).numpy()
    plain = -np.log(p[[0, 1], Y]).mean()
    # Of a sure label the reverse is 4 times the probability of all other classes.
    reverse = 4 * (1 - p[[0, 1], Y]).mean()
    found = symmetric_cross_entropy(alpha=0.5, beta=2.0)({"logits": Z}, {"label": Y})
    assert found.item() == pytest.approx(0.5 * plain + 2 * reverse)


def test_generalised_cross_entropy_lies_between_cross_entropy_and_absolute_error() -> None:
    targets = {"label": Y}
    near = generalised_cross_entropy(q=1e-6)({"logits": Z}, targets)
    assert near.item() == pytest.approx(F.cross_entropy(Z, Y).item(), rel=1e-4)
    p = torch.softmax(Z, 1)[[0, 1], Y]
    assert generalised_cross_entropy(q=1.0)({"logits": Z}, targets).item() == pytest.approx(
        1 - p.mean().item()
    )


@pytest.mark.parametrize("made", [symmetric_cross_entropy(alpha=0.0), generalised_cross_entropy()])
def test_a_label_that_is_surely_wrong_pulls_hardly_at_all(made) -> None:
    z = torch.tensor([[20.0, 0.0]], dtype=torch.float64, requires_grad=True)
    made({"logits": z}, {"label": torch.tensor([1])}).backward()
    plain = torch.tensor([[20.0, 0.0]], dtype=torch.float64, requires_grad=True)
    F.cross_entropy(plain, torch.tensor([1])).backward()
    assert z.grad is not None and plain.grad is not None
    assert z.grad.abs().max() < 1e-5 < plain.grad.abs().max()


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="alpha, beta"):
        symmetric_cross_entropy(alpha=-1)
    with pytest.raises(ValueError, match="q: found"):
        generalised_cross_entropy(q=0)
