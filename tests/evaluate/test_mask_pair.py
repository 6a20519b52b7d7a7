"""Masks kept packed: the same when unpacked, without what the truth leaves open."""

from __future__ import annotations

import numpy as np

from overread.cohort.truth.unknown import UNKNOWN
from overread.evaluate.mask_pair import MaskPair, known_part
from overread.imaging.image import Image


def test_masks_come_back_and_take_little_room() -> None:
    found, true = np.zeros((2, 60, 50, 40), np.uint8)
    found[10:30, 5:20, 8:30] = 2
    true[12:30, 5:20, 8:30] = 2
    image = Image(
        np.zeros((1, 60, 50, 40), np.float32),
        np.diag([1, 2, 3, 1]),
        source={"spacing_known": True, "path": "x"},
    )
    pair = MaskPair.of(found, true, image, {"liver": {"probabilities": 0.9}})
    assert np.array_equal(pair.found, found) and np.array_equal(pair.true, true)
    assert pair.image.spatial == image.spatial and pair.image.spacing == (1, 2, 3)
    assert dict(pair.source) == {"spacing_known": True} and sum(map(len, pair.packed)) < found.size / 50


def test_what_the_truth_leaves_open_counts_in_neither() -> None:
    found, true = np.ones((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    true[:2] = UNKNOWN
    true[2] = 1
    a, b = known_part(found, true)
    assert a.sum() == 8 and b.sum() == 4 and found.all() and (true == UNKNOWN).any()
