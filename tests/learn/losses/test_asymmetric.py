"""Focal and asymmetric loss: MONAI's, cross-entropy at their ends, and nothing of what is not stated."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from monai.losses import FocalLoss

from overread.learn.losses.asymmetric import asymmetric, focal
from overread.learn.losses.binary_cross_entropy import binary_cross_entropy

Z = torch.tensor([[0.3, -1.2], [1.5, 0.2], [-3.0, 4.0]], dtype=torch.float64)
Y = torch.tensor([[1.0, 0], [0, 1], [1, 0]], dtype=torch.float64)


def test_focal_loss_is_monais_without_its_weight() -> None:
    expected = FocalLoss(gamma=2.0)(Z, Y)
    assert focal()({"logits": Z}, {"labels": Y}).item() == pytest.approx(expected.item())


def test_without_exponents_and_cut_it_is_cross_entropy_also_of_shares() -> None:
    plain = asymmetric(gamma_negative=0, cut=0)
    for labels in (Y, Y * 0.7 + 0.1):
        expected = F.binary_cross_entropy_with_logits(Z, labels)
        assert plain({"logits": Z}, {"labels": labels}).item() == pytest.approx(expected.item())


def test_absent_findings_that_are_easy_count_nothing() -> None:
    z = torch.tensor([[-4.0]], dtype=torch.float64, requires_grad=True)
    asymmetric()({"logits": z}, {"labels": torch.zeros(1, 1)}).backward()
    assert z.grad is not None and z.grad.item() == 0
    p = torch.sigmoid(torch.tensor(1.0, dtype=torch.float64)) - 0.05
    found = asymmetric()(
        {"logits": torch.tensor([[1.0]], dtype=torch.float64)}, {"labels": torch.zeros(1, 1)}
    )
    assert found.item() == pytest.approx((-(p**4) * torch.log(1 - p)).item())


@pytest.mark.parametrize("made", [focal(), asymmetric(), binary_cross_entropy(smoothing=0.1)])
def test_what_is_not_stated_counts_neither_in_value_nor_gradient(made) -> None:
    holed = Y.clone()
    holed[1] = float("nan")
    z = Z.clone().requires_grad_()
    found = made({"logits": z}, {"labels": holed})
    found.backward()
    kept = made({"logits": Z[[0, 2]]}, {"labels": Y[[0, 2]]})
    assert found.item() == pytest.approx(kept.item())
    assert z.grad is not None and not z.grad[1].any() and torch.isfinite(z.grad).all()


def test_weights_and_smoothing_of_binary_cross_entropy_are_torchs() -> None:
    w = torch.tensor([3.0, 1.0], dtype=torch.float64)
    expected = F.binary_cross_entropy_with_logits(Z, Y * 0.8 + 0.1, pos_weight=w)
    found = binary_cross_entropy(smoothing=0.2, positive_weights=[3.0, 1.0])({"logits": Z}, {"labels": Y})
    assert found.item() == pytest.approx(expected.item())


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="gamma_positive, gamma_negative, cut"):
        asymmetric(cut=1)
    with pytest.raises(ValueError, match="positive_weights"):
        binary_cross_entropy(positive_weights=[-1])
