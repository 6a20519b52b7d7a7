"""Cross-entropy, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from overread.learn.losses.cross_entropy import cross_entropy


def test_it_is_the_negative_log_probability_of_the_class() -> None:
    outputs, targets = {"logits": torch.tensor([[0.0, math.log(3)]])}, {"label": torch.tensor([1])}
    assert cross_entropy()(outputs, targets).item() == pytest.approx(-math.log(0.75))
    assert cross_entropy(smoothing=0.2)(outputs, targets).item() == pytest.approx(
        -(0.9 * math.log(0.75) + 0.1 * math.log(0.25))
    )
