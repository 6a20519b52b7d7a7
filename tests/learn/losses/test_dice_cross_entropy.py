"""Dice and cross-entropy, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from overread.learn.losses.dice_cross_entropy import dice_cross_entropy


def test_it_is_the_sum_of_both() -> None:
    mask = torch.zeros(1, 4, 4, dtype=torch.uint8)
    mask[0, :2] = 1
    outputs, targets = {"logits": torch.zeros(1, 2, 4, 4)}, {"mask": mask}
    # Half everywhere: Dice 2 * 4 / (8 + 8).
    assert dice_cross_entropy()(outputs, targets).item() == pytest.approx(0.5 + math.log(2), abs=1e-4)
    weighted = dice_cross_entropy(dice_weight=2.0, cross_entropy_weight=0.0)
    assert weighted(outputs, targets).item() == pytest.approx(1.0, abs=1e-4)


def test_the_right_answer_costs_nothing_and_an_empty_patch_beside_it_no_miss() -> None:
    mask = torch.zeros(2, 6, 6, dtype=torch.uint8)
    mask[0, 1:4, 2:5] = 1
    logits = 40.0 * torch.nn.functional.one_hot(mask.long(), 2).movedim(-1, 1).float()
    assert dice_cross_entropy()({"logits": logits}, {"mask": mask}).item() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("labels", [2, 4])
def test_with_every_label_shown_it_is_monais(labels: int) -> None:
    from monai.losses.dice import DiceCELoss

    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, labels, 6, 5, 4, generator=generator)
    mask = torch.randint(labels, (3, 6, 5, 4), generator=generator).to(torch.uint8)
    theirs = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    a, b = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    ours = dice_cross_entropy()({"logits": a}, {"mask": mask})
    wanted = theirs(b, mask[:, None].long())
    torch.testing.assert_close(ours, wanted)
    ours.backward()
    wanted.backward()
    torch.testing.assert_close(a.grad, b.grad)


def test_a_label_that_the_batch_does_not_show_has_no_dice() -> None:
    """It would cost 1 - eps whatever the network does; what is found of it costs cross-entropy."""
    mask = torch.zeros(1, 4, 4, dtype=torch.uint8)
    mask[0, :2] = 1
    logits = 40.0 * torch.nn.functional.one_hot(mask.long(), 5).movedim(-1, 1).float()
    assert dice_cross_entropy()({"logits": logits}, {"mask": mask}).item() == pytest.approx(0, abs=1e-4)
    empty = torch.zeros_like(mask)
    nothing = torch.zeros(1, 5, 4, 4)
    loss = dice_cross_entropy()({"logits": nothing}, {"mask": empty})
    assert loss.item() == pytest.approx(math.log(5), abs=1e-4)
