"""CORN: the negative log probability of the grade that `runtime` decodes, also of shared grades."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from overread.errors import InputError
from overread.learn.losses import build_loss
from overread.learn.losses.corn import corn
from overread.learn.plan import Named
from overread.runtime.tasks.ordinal import log_probabilities

Z = torch.tensor([[0.3, -1.2, 2.0], [1.5, 0.2, -0.7], [-2.0, 0.0, 1.0]], dtype=torch.float64)


def test_it_is_the_negative_log_probability_of_the_grade() -> None:
    y = torch.tensor([0, 2, 3])
    expected = -log_probabilities(Z.numpy())[np.arange(3), y.numpy()].mean()
    assert corn()({"logits": Z}, {"label": y}).item() == pytest.approx(expected)


def test_shared_grades_count_by_their_shares() -> None:
    shares = torch.tensor([[0.5, 0.5, 0, 0], [0, 0.25, 0.25, 0.5], [1, 0, 0, 0]], dtype=torch.float64)
    expected = -(log_probabilities(Z.numpy()) * shares.numpy()).sum(1).mean()
    assert corn()({"logits": Z}, {"label": shares}).item() == pytest.approx(expected)


def test_smoothing_spreads_over_all_grades() -> None:
    y = torch.tensor([0, 2, 3])
    shares = torch.full((3, 4), 0.025, dtype=torch.float64).scatter_(1, y[:, None], 0.925)
    found = corn(smoothing=0.1)({"logits": Z}, {"label": y})
    assert found.item() == pytest.approx(corn()({"logits": Z}, {"label": shares}).item())


def test_only_a_task_of_ordered_grades_can_have_it() -> None:
    build_loss(Named(name="corn"), answer="classes", ordered=True)
    for name, ordered in (("corn", False), ("cross_entropy", True)):
        with pytest.raises(InputError, match="expected one for"):
            build_loss(Named(name=name), answer="classes", ordered=ordered)
