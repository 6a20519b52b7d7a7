"""Every case is seen equally often, and batches are named tensors."""

from __future__ import annotations

import pytest
import torch
from tests.learn.toys import TOYS, plan, squares

from overread.errors import InputError
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


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("task", TOYS)
def test_processes_share_the_very_batches_of_one(task: str, world: int) -> None:
    p, examples = TOYS[task]
    whole = list(PatchBatches(p, examples).epoch(2))
    for rank in range(world):
        share = list(PatchBatches(p, examples, rank, world).epoch(2))
        for (image, targets), (mine, wanted) in zip(whole, share, strict=True):
            assert torch.equal(image[rank::world], mine)
            for k, t in targets.items():
                assert torch.equal(t[rank::world].nan_to_num(), wanted[k].nan_to_num())


def test_an_epoch_begun_in_its_middle_goes_on_alike() -> None:
    batches = PatchBatches(*TOYS["segmentation"])
    for (image, _), (later, _) in zip(list(batches.epoch(1))[3:], batches.epoch(1, skip=3), strict=True):
        assert torch.equal(image, later)
    assert not list(batches.epoch(1, skip=batches.plan.steps_per_epoch))


def test_more_processes_than_images_of_a_batch_are_refused() -> None:
    p, examples = TOYS["segmentation"]
    with pytest.raises(InputError, match=r"plan\.json: batch: found 4, expected at least 5"):
        PatchBatches(p, examples, 0, 5)
