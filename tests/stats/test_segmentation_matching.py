"""Lesions matched one to one: the whole image finds at most one of them."""

from __future__ import annotations

import numpy as np
import pytest

from overread.stats.segmentation import match_lesions, panoptic_quality
from overread.stats.segmentation.lesions import components


def _squares(places: list[tuple[int, int]], side: int = 4) -> np.ndarray:
    mask = np.zeros((60, 60), np.uint8)
    for y, x in places:
        mask[y : y + side, x : x + side] = 1
    return mask


FIVE = [(2, 2), (2, 20), (20, 2), (20, 20), (40, 40)]


def test_the_whole_image_finds_nothing_and_merges_all() -> None:
    found = match_lesions(np.ones((60, 60)), _squares(FIVE))
    assert (found.tp, found.fp, found.fn, found.merged, found.split) == (0, 1, 5, 1, 0)


def test_one_blob_over_four_lesions_finds_at_most_one() -> None:
    blob = np.zeros((60, 60), np.uint8)
    blob[2:24, 2:24] = 1
    blob[55, 55:58] = 1
    found = match_lesions(blob, _squares(FIVE), iou_threshold=0.02)
    assert (found.tp, found.fp, found.fn, found.merged) == (1, 1, 4, 1)


def test_a_split_lesion_is_found_once_and_its_other_part_is_false() -> None:
    truth = _squares([(10, 10)], 9)
    pred = truth.copy()
    pred[14] = 0
    found = match_lesions(pred, truth)
    assert (found.tp, found.fp, found.fn, found.split) == (1, 1, 0, 1)


def test_specks_count_for_nothing() -> None:
    truth, pred = _squares(FIVE), _squares(FIVE)
    truth[58, 0] = pred[58, 30] = pred[0, 58] = 1
    found = match_lesions(pred, truth, min_voxels=3)
    assert (found.tp, found.fp, found.fn) == (5, 0, 0)
    assert (match_lesions(pred, truth).fp, match_lesions(pred, truth).fn) == (2, 1)
    large = _squares(FIVE)
    large[57:60, 0:3] = 1
    assert (
        match_lesions(large, truth, min_voxels=3).fp == 0
    )  # it touches a true lesion that is too small to count


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_panoptic_quality(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pred, truth = (generator.random((2, 40, 40)) > 0.7).astype(np.uint8)
    objects = [components(m.astype(bool))[0] for m in (pred, truth)]
    for threshold in (0.1, 0.5):
        wanted = panoptic_quality(*objects, iou_threshold=threshold)
        found = match_lesions(pred, truth, iou_threshold=threshold)
        assert (found.tp, found.fp, found.fn) == (wanted.tp, wanted.fp, wanted.fn)


def test_nothing_at_all() -> None:
    found = match_lesions(np.zeros((5, 5)), np.zeros((5, 5)))
    assert (found.tp, found.fp, found.fn, found.merged, found.split) == (0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="iou_threshold"):
        match_lesions(np.zeros((5, 5)), np.zeros((5, 5)), iou_threshold=1)
