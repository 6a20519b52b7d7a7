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
