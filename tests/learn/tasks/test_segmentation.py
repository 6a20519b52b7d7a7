"""Patches of segmentation: every voxel is reached, a chosen one is in its patch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.learn.toys import SEGMENTATION, pictures, plan

from overread.cohort.truth.unknown import UNKNOWN
from overread.learn.augment.place import place_patch
from overread.learn.example import Example
from overread.learn.fit import fit
from overread.learn.plan import Augment
from overread.learn.tasks import segmentation
from overread.learn.tasks.segmentation import PLACES, with_places

STILL = SEGMENTATION | {"augment": Augment()}


def numbered(spatial: tuple[int, ...]) -> Example:
    """An image that holds each voxel's own number."""
    image = np.arange(np.prod(spatial), dtype=np.float32).reshape(1, *spatial)
    return Example("numbers", image, with_places(np.zeros(spatial, np.uint8)))


def test_every_voxel_is_reached_without_augmentation() -> None:
    example, p = numbered((40, 36)), plan(**STILL)
    seen = np.zeros(40 * 36, int)
    for i in range(400):
        image, _ = segmentation.draw(example, p, 0, i)
        seen[np.unique(image.numpy().round().astype(int))] += 1
    assert seen.min() > 0
    # The outermost voxel is in the patch whenever the chosen place is near enough to it.
    assert seen.reshape(40, 36)[0].mean() > 0.3 * seen.reshape(40, 36)[20].mean()


@pytest.mark.parametrize("place", [(0, 0), (0, 35), (39, 35), (1, 17), (20, 18)])
def test_a_lesion_that_is_asked_for_is_in_its_patch(place: tuple[int, int]) -> None:
    mask = np.zeros((40, 36), np.uint8)
    mask[place] = 1
    example = Example("lesion", mask[None].astype(np.float32), with_places(mask))
    p = plan(**STILL | {"foreground_share": 1.0})
    for i in range(5):
        image, target = segmentation.draw(example, p, 0, i)
        assert target["mask"].sum() == 1 and image.sum() == pytest.approx(1, abs=1e-3)


def test_rare_labels_are_seen_as_often_as_common_ones() -> None:
    mask = np.ones((64, 64), np.uint8)
    mask[60, 60] = 2
    example = Example("rare", mask[None].astype(np.float32), with_places(mask))
    p = plan(**STILL | {"labels": ["bg", "large", "small"], "foreground_share": 1.0, "patch": [16, 16]})
    seen = [(segmentation.draw(example, p, 0, i)[1]["mask"] == 2).any().item() for i in range(100)]
    assert 0.4 < np.mean(seen) < 0.75


@pytest.mark.parametrize("axes", [2, 3])
def test_a_lesion_is_seen_as_often_as_it_is_long(axes: int) -> None:
    """Radii of 8, 4 and 2 voxels: 4 : 2 : 1, not 64 : 8 : 1; a stray voxel hardly at all."""
    grid = np.indices((64,) * axes)
    balls = [(16, 8.0), (40, 4.0), (56, 2.0)]
    mask = np.zeros((64,) * axes, np.uint8)
    for centre, radius in balls:
        mask[((grid - centre) ** 2).sum(0) <= radius**2] = 1
    mask[(0,) * axes] = 1
    places = np.column_stack(np.unravel_index(with_places(mask)["places"][:, 1], mask.shape))
    seen = [np.mean(((places - c) ** 2).sum(1) <= max(1, r) ** 2) for c, r in [*balls, (0, 0.0)]]
    assert sum(seen) == pytest.approx(1)
    assert seen[0] / seen[1] == pytest.approx(2, rel=0.2) and seen[1] / seen[2] == pytest.approx(2, rel=0.25)
    assert seen[3] < 0.07


def test_places_are_few_and_of_their_label() -> None:
    mask = np.random.default_rng(0).integers(0, 3, (200, 200)).astype(np.uint8)
    places = with_places(mask)["places"]
    assert len(places) == 2 * PLACES and (mask.ravel()[places[:, 1]] == places[:, 0]).all()
    assert with_places(np.zeros((5, 5), np.uint8))["places"].shape == (0, 2)


def test_a_window_larger_than_the_image_lies_as_at_inference() -> None:
    assert place_patch((9, 40), (16, 16), (4, 20)) == (-3, 12)


def test_segmentation_is_learnt() -> None:
    fitted = fit(plan(**SEGMENTATION), pictures(24), pictures(4))
    cases = pictures(6)
    with torch.no_grad():
        logits = fitted.network(
            torch.from_numpy(np.stack([np.pad(e.image, ((0, 0), (0, 0), (0, 4))) for e in cases]))
        )
    found = logits.argmax(1).numpy()[:, :, :20]
    truth = np.stack([e.target["mask"] for e in cases])
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.85


def test_score_is_the_mean_log_odds_where_the_label_was_decided() -> None:
    z = torch.full((2, 3, 4, 4), -1.0)
    z[0, 1, :2] = 3.0
    odds = 3.0 - torch.logsumexp(torch.tensor([-1.0, -1.0]), 0)
    assert segmentation.score({"logits": z}, 1).tolist() == pytest.approx([odds.item(), 0.0])


TUMOUR = {
    "labels": ["background", "oedema", "core"],
    "regions": {
        "whole": {"labels": ["oedema", "core"], "paints": "oedema"},
        "core": {"labels": ["core"], "paints": "core"},
    },
}


def nested() -> Example:
    """Core within oedema, and a corner of which nobody knows."""
    mask = np.zeros((36, 36), np.uint8)
    mask[6:30, 6:30], mask[12:24, 12:24], mask[:3, :3] = 1, 2, UNKNOWN
    return Example("nested", (mask == 2)[None].astype(np.float32), with_places(mask))


def test_regions_are_taught_one_channel_each_and_nobody_knows_in_all_of_them() -> None:
    p = plan(**STILL | TUMOUR | {"patch": [36, 36]})
    _, targets = segmentation.draw(nested(), p, 0, 0)
    whole, core = targets["mask"]
    mask = nested().target["mask"]
    assert p.outputs == 2 and "valid" not in targets
    assert np.array_equal(whole == 1, (mask == 1) | (mask == 2)) and np.array_equal(core == 1, mask == 2)
    assert ((whole == UNKNOWN) == torch.from_numpy(mask == UNKNOWN)).all()


def test_no_patch_is_drawn_around_what_nobody_knows() -> None:
    assert set(np.unique(nested().target["places"][:, 0])) == {1, 2}


@pytest.mark.parametrize(("regions", "expected"), [(True, [False, False]), (False, [True, True, False])])
def test_labels_that_a_mask_leaves_open_are_told_to_the_loss(regions: bool, expected: list[bool]) -> None:
    """Of regions all that hold an open label; of labels the open one."""
    changes = TUMOUR if regions else {"labels": TUMOUR["labels"]}
    p = plan(**STILL | changes | {"partly_labelled": True, "patch": [36, 36]})
    example = nested()
    open_ = Example(example.case, example.image, {**example.target, "unstated": np.array([2])})
    assert segmentation.draw(open_, p, 0, 0)[1]["valid"].tolist() == expected
    assert all(segmentation.draw(example, p, 0, 0)[1]["valid"])
