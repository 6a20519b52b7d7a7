"""Every case is seen equally often, and batches are named tensors."""

from __future__ import annotations

import pytest
import torch
from tests.learn.toys import TOYS, plan, squares

from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Augment


def test_every_case_is_seen_equally_often_whatever_the_batch() -> None:
    p = plan(batch=16, steps_per_epoch=6, augment=Augment())
    seen = torch.cat([image.mean((1, 2, 3)) for image, _ in PatchBatches(p, squares(96)).epoch(4)])
    assert len(torch.unique(seen)) == 96


@pytest.mark.parametrize("task", TOYS)
def test_batches_have_the_plans_size_and_repeat(task: str) -> None:
    p, examples = TOYS[task]
    batches, again = (list(PatchBatches(p, examples).epoch(1)) for _ in range(2))
    assert len(batches) == p.steps_per_epoch
    for (image, targets), (other, same) in zip(batches, again, strict=True):
        assert tuple(image.shape) == (p.batch, 1, *p.patch) and torch.equal(image, other)
        assert all(len(t) == p.batch for t in targets.values()) and set(same) == set(targets)
