"""Mixed images: weights of pixels are weights of targets, masks stay whole numbers, and pasted lesions fit in."""

from __future__ import annotations

import json

import pytest
import torch
from tests.learn.toys import SEGMENTATION, TOYS, pictures, plan

from overread.errors import InputError
from overread.learn.augment.mix import Mixing, draw_mixing, mix, paste
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Mix
from overread.learn.plan_check import faults

ON = Mix(share=1.0, mixup=0.4, cutmix=1.0)


def test_what_is_drawn_is_data_and_decided_by_its_counters() -> None:
    drawn = [draw_mixing(ON, examples=9, dimensions=2, seed=1, epoch=2, index=i) for i in range(40)]
    assert {m.kind for m in drawn if m} == {"mixup", "cutmix"} and all(
        m and 0 <= m.partner < 9 for m in drawn
    )
    for i, one in enumerate(drawn):
        assert one is not None and Mixing.from_dict(json.loads(json.dumps(one.as_dict()))) == one
        assert one == draw_mixing(ON, examples=9, dimensions=2, seed=1, epoch=2, index=i)
    few = [
        draw_mixing(Mix(share=0.3, mixup=1), examples=9, dimensions=2, seed=0, epoch=0, index=i)
        for i in range(400)
    ]
    assert 0.2 < sum(m is not None for m in few) / 400 < 0.4
    assert draw_mixing(Mix(), examples=9, dimensions=2, seed=0, epoch=0, index=0) is None


@pytest.mark.parametrize("d", [2, 3])
def test_the_weight_of_pixels_is_that_of_targets(d: int) -> None:
    one = (
        torch.zeros(1, *[12] * d),
        {"label": torch.tensor([1.0, 0.0]), "labels": torch.tensor([0.0, float("nan")])},
    )
    other = torch.ones(1, *[12] * d), {"label": torch.tensor([0.0, 1.0]), "labels": torch.tensor([1.0, 1.0])}
    for i in range(30):
        mixing = draw_mixing(ON, examples=3, dimensions=d, seed=0, epoch=0, index=i)
        assert mixing is not None
        image, targets = mix(mixing, one, other, ON)
        share = image.mean().item()
        torch.testing.assert_close(targets["label"], torch.tensor([1 - share, share]), atol=1e-5, rtol=0)
        assert targets["labels"][0] == pytest.approx(share, abs=1e-5) and targets["labels"][1].isnan()
        if mixing.kind == "cutmix":
            assert set(image.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(one[0], torch.zeros_like(one[0]))


def test_whole_numbers_have_no_shares() -> None:
    drawn = torch.zeros(1, 4, 4), {"label": torch.tensor(1)}
    with pytest.raises(InputError, match="target 'label' holds whole numbers"):
        mix(Mixing("mixup", 0, 0.5), drawn, drawn, ON)


def test_maps_are_cut_as_the_image_is() -> None:
    one, other = (
        (torch.full((1, 8, 8), float(k)), {"mask": torch.full((8, 8), k, dtype=torch.uint8)}) for k in (0, 3)
    )
    image, targets = mix(Mixing("cutmix", 0, 0.75, [0.25, 0.5, 0.0], [0.75, 1.0, 1.0]), one, other, Mix())
    assert targets["mask"].dtype == torch.uint8
    assert torch.equal(targets["mask"].float(), image[0]) and (targets["mask"] == 3).sum() == 16


def test_a_pasted_lesion_is_as_bright_against_what_is_around_it() -> None:
    image, mask = torch.full((1, 20, 20), 5.0), torch.ones(20, 20, dtype=torch.uint8)
    mask[:, 15:] = 0
    other, lesion = torch.full((1, 20, 20), 1.0), torch.ones(20, 20, dtype=torch.uint8)
    lesion[6:11, 10:18] = 2
    other[0, 6:11, 10:18] = 3.0
    out, label = paste(image, mask, other, lesion, labels=[2], onto=[1])
    # Only what lies on label 1 is pasted.
    assert (label[6:11, 10:15] == 2).all() and (label[:, 15:] == 0).all() and (label == 2).sum() == 25
    assert out[0, 8, 12] == pytest.approx(7.0, abs=1e-5) and out[0, 0, 0] == 5
    # What fades into it has been made as bright as it is.
    assert out[0, 5, 12] == pytest.approx(5.0, abs=1e-5)
    same, unchanged = paste(image, mask, other, torch.zeros_like(lesion), labels=[2], onto=[1])
    assert same is image and unchanged is mask


def test_batches_are_mixed_and_the_same_whatever_the_processes() -> None:
    plain_plan, examples = TOYS["multilabel"]
    plain_plan = plain_plan.model_copy(update={"batch": 8})
    mixed = plain_plan.model_copy(update={"mix": ON})
    images, targets = next(iter(PatchBatches(mixed, examples).epoch(0)))
    plain, _ = next(iter(PatchBatches(plain_plan, examples).epoch(0)))
    assert images.shape == plain.shape and not torch.equal(images, plain)
    halves = [next(iter(PatchBatches(mixed, examples, rank=r, world=2).epoch(0))) for r in (0, 1)]
    assert torch.equal(images[0::2], halves[0][0]) and torch.equal(images[1::2], halves[1][0])
    labels = targets["labels"]
    assert ((labels > 0) & (labels < 1)).any()
    pasted = plan(**SEGMENTATION, mix=Mix(share=1, paste=1))
    masks = next(iter(PatchBatches(pasted, pictures(6)).epoch(0)))[1]["mask"]
    assert set(masks.unique().tolist()) <= {0, 1}


def test_what_cannot_be_mixed_is_a_fault_of_the_plan() -> None:
    boxes = TOYS["detection"][0].model_copy(update={"mix": ON})
    assert any(f.startswith("mix.mixup: found it on, expected it off for detection") for f in faults(boxes))
    masks = plan(**SEGMENTATION, mix=Mix(mixup=1))
    assert any("cutmix, paste can be on" in f for f in faults(masks))
    wrong = plan(**SEGMENTATION, mix=Mix(paste=1, labels=[7]))
    assert any(f.startswith("mix.labels: found 7") for f in faults(wrong))
