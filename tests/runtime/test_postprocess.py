"""Cleaning of label maps: what holes and parts are, and that no label takes a voxel of another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes

from overread.runtime.manifest_postprocess import Cleaning
from overread.runtime.postprocess import clean, holes, kept_parts

LABELS = ["background", "organ", "tumour"]


def _organ() -> np.ndarray:
    """A large organ with a hole, a tumour in it with a hole of its own, a stray part, an open bay."""
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[2:14, 2:14, 2:14] = 1
    mask[4:6, 4:6, 4:6] = 0
    mask[8:12, 8:12, 8:12] = 2
    mask[9, 9, 9] = 0
    mask[2:5, 10, 10] = 0
    mask[17:19, 17:19, 17:19] = 1
    return mask


def test_holes_are_filled_with_the_label_around_them() -> None:
    mask = _organ()
    found = clean(mask, {"organ": Cleaning(fill_holes=True)}, LABELS, per_voxel=1)
    assert (found[4:6, 4:6, 4:6] == 1).all() and found[9, 9, 9] == 0
    assert (found[2:5, 10, 10] == 0).all()  # open to the outside
    assert np.array_equal(found == 2, mask == 2) and mask[4, 4, 4] == 0
    both = clean(mask, dict.fromkeys(LABELS[1:], Cleaning(fill_holes=True)), LABELS, per_voxel=1)
    assert both[9, 9, 9] == 2


def test_only_the_largest_part_or_none_below_a_size_is_kept() -> None:
    mask = _organ()
    largest = clean(mask, {"organ": Cleaning(largest=True)}, LABELS, per_voxel=0.001)
    assert not largest[16:].any() and np.array_equal(largest[:16], mask[:16])
    for smallest, left in ((0.008, 8), (0.0081, 0)):
        small = clean(mask, {"organ": Cleaning(smallest=smallest)}, LABELS, per_voxel=0.001)
        assert int((small[16:] == 1).sum()) == left
    assert not clean(mask, {"tumour": Cleaning(smallest=1)}, LABELS, per_voxel=0.001)[mask == 2].any()


def test_without_steps_the_map_is_the_same() -> None:
    mask = _organ()
    assert clean(mask, {}, LABELS, per_voxel=1) is mask
    assert clean(mask, {"organ": Cleaning()}, LABELS, per_voxel=1) is mask


@pytest.mark.parametrize("shape", [(30, 30), (12, 13, 11)])
def test_holes_are_those_of_scipy(shape: tuple[int, ...]) -> None:
    mask = (np.random.default_rng(0).random(shape) < 0.7).astype(np.uint8)
    expected = binary_fill_holes(mask) & (mask == 0)
    assert expected.any() and np.array_equal(holes(mask, 1), expected)


def test_of_equal_parts_the_first_is_the_largest() -> None:
    assert kept_parts(np.array([3, 5, 5]), Cleaning(largest=True), 1).tolist() == [False, True, False]
    assert kept_parts(np.array([], np.int64), Cleaning(largest=True), 1).tolist() == []


def test_steps_say_what_they_do() -> None:
    assert str(Cleaning(fill_holes=True, smallest=0.25)) == "holes filled, parts below 0.25 removed"
    assert str(Cleaning()) == "left as it is"
