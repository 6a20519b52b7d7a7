"""Boxes on a picture: on the pixels they enclose, whatever way the slice is turned for people."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from overread.imaging.box_picture import best_slice_of_boxes, draw_boxes, in_picture
from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.imaging.picture import slice_of

AXES = [np.eye(3)[list(order)] for order in itertools.permutations(range(3))]
SIGNS = list(itertools.product((-1, 1), repeat=3))


@pytest.mark.parametrize("axes", range(6))
@pytest.mark.parametrize("signs", SIGNS)
def test_box_follows_the_slice_however_it_is_turned(axes: int, signs: tuple[int, ...]) -> None:
    affine = np.eye(4)
    affine[:3, :3] = AXES[axes] @ np.diag(signs)
    array = np.zeros((1, 9, 7, 4), np.float32)
    array[0, 2:5, 1:3, 2] = 1
    image = Image(array, affine)
    boxes = Boxes.of([[2, 1, 1.5], [0, 0, 0]], [[5, 3, 3], [1, 1, 1]], [0, 1], [0.9, 0.8], axes=3)
    shown = in_picture(boxes, image, 2)
    assert shown.labels.tolist() == [0], "the other box does not cut this slice"
    rows, columns = np.nonzero(slice_of(image, 2))
    assert shown.low[0].tolist() == [rows.min(), columns.min()]
    assert shown.high[0].tolist() == [rows.max() + 1, columns.max() + 1]
    assert boxes.low[0].tolist() == [2, 1, 1.5], "the answer itself is not changed"


def test_flat_picture_keeps_its_boxes() -> None:
    boxes = Boxes.of([[1, 2]], [[3, 5]], [0], axes=2)
    assert in_picture(boxes, Image(np.zeros((1, 6, 7)), np.eye(4)), 0) is boxes


def test_lines_lie_on_the_outer_pixels_of_the_box() -> None:
    gray = np.full((100, 100), 50, np.uint8)
    box = Boxes.of([[40, 20]], [[80, 60]], [0], axes=2)
    shown = draw_boxes(gray, box, ["nodule"])
    changed = (shown != 50).any(axis=2)
    assert changed[40:80, 20].all() and changed[40:80, 59].all()
    assert changed[40, 20:60].all() and changed[79, 20:60].all()
    assert not changed[:, :20].any() and not changed[80:].any()
    assert not changed[45:75, 25:55].any()
    doubled = draw_boxes(gray, box.where(np.array([0])).moved([0.5, 0.5]), ["nodule"], zoom=(2, 2))
    assert (doubled == shown).all()


@pytest.mark.parametrize(
    ("low", "high"), [((-5, -5), (2, 2)), ((0, 0), (100, 100)), ((99.5, 99.5), (99.6, 99.6))]
)
def test_boxes_at_the_edge_do_not_break_the_picture(low: tuple[float, ...], high: tuple[float, ...]) -> None:
    shown = draw_boxes(np.zeros((100, 100), np.uint8), Boxes.of([low], [high], [3], axes=2), ["a"] * 4)
    assert shown.shape == (100, 100, 3)
    assert shown.any()


def test_slice_of_the_best_box() -> None:
    boxes = Boxes.of([[0, 0, 0], [0, 0, 4.2]], [[1, 1, 1], [1, 1, 5.9]], [0, 0], [0.5, 0.9], axes=3)
    assert best_slice_of_boxes(boxes, (9, 9, 7)) == 5
    assert best_slice_of_boxes(boxes.where(np.array([0])), (9, 9, 7)) == 0
    assert best_slice_of_boxes(Boxes.of([], [], [], axes=3), (9, 9, 7)) == 3
    assert best_slice_of_boxes(Boxes.of([[0, 0]], [[1, 1]], [0], axes=2), (9, 9)) == 0
    beyond = Boxes.of([[0, 0, 6]], [[1, 1, 9]], [0], axes=3)
    assert best_slice_of_boxes(beyond, (9, 9, 7)) == 6
