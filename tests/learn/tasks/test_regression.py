"""What a network of a number learns from: the number in units of the training cases' spread."""

from __future__ import annotations

import numpy as np
import torch
from tests.learn.toys import plan as toy

from overread.imaging.image import Image
from overread.learn.example import Example
from overread.learn.tasks import regression


def test_targets_are_in_the_networks_units() -> None:
    plan = toy(task="regression", labels=["age"], decoding={"centre": 50.0, "scale": 20.0})
    spec = plan.preprocess
    target = regression.target(63.0, Image(np.zeros((1, 16, 16), np.float32), np.eye(4)), spec)
    example = Example("a", np.zeros((1, *plan.patch), np.float32), target)
    _, targets = regression.draw(example, plan, 0, 0)
    assert torch.allclose(targets["value"], torch.tensor([0.65]))
    drawn = [regression.blank(plan, (16, 16), np.random.default_rng(i))["value"][0] for i in range(200)]
    assert 45 < np.mean(drawn) < 55
    assert regression.score({"logits": torch.tensor([[3.0, 9.0]])}, 0).tolist() == [3.0]
