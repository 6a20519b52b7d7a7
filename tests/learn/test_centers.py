"""Boxes as heat, size and offset, in 2D and 3D."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from overread.imaging.boxes import Boxes
from overread.learn.augment.boxes import MovedBoxes, apply_boxes
from overread.learn.augment.spatial import Spatial
from overread.learn.centers import center_targets


def moved(boxes: Boxes, size: tuple[int, ...]) -> MovedBoxes:
    d = len(size)
    return apply_boxes(Spatial(np.eye(d).tolist(), [0.0] * d), boxes, size)


@pytest.mark.parametrize("d", [2, 3])
def test_boxes_come_back_from_what_is_taught(d: int) -> None:
    size, stride = (32, 40, 24)[:d], (4, 2, 2)[:d]
    low = np.array([[2.0, 3.0, 5.0], [17.0, 21.5, 7.25], [20.0, 2.0, 14.0]])[:, :d]
    high = low + np.array([[7.0, 9.0, 6.0], [8.5, 10.0, 12.0], [5.0, 5.0, 5.0]])[:, :d]
    boxes = Boxes.of(low, high, [0, 2, 1], axes=d)
    targets = center_targets(moved(boxes, size), size, stride=stride, labels=3)
    cells = tuple(n // s for n, s in zip(size, stride, strict=True))
    assert targets["heat"].shape == (3, *cells) and targets["size"].shape == (d, *cells)
    peaks = (targets["heat"] == 1).nonzero().numpy()
    assert sorted(peaks[:, 0]) == [0, 1, 2]
    for label, *cell in peaks:
        k = [0, 2, 1].index(label)
        offset = targets["offset"][(slice(None), *cell)].numpy()
        extent = targets["size"][(slice(None), *cell)].exp().numpy()
        assert (offset >= 0).all() and (offset <= 1).all()
        centre = (np.array(cell) + offset) * stride
        np.testing.assert_allclose(centre - extent / 2, low[k], atol=1e-4)
        np.testing.assert_allclose(centre + extent / 2, high[k], atol=1e-4)
    assert int((~torch.isnan(targets["size"])).sum()) == 3 * d


def test_heat_falls_off_with_the_objects_size() -> None:
    boxes = Boxes.of([[0, 0]], [[64, 16]], [0], axes=2)
    heat = center_targets(moved(boxes, (64, 64)), (64, 64), stride=(2, 2), labels=1)["heat"][0]
    assert heat[16, 4] == 1 and heat[18, 4] > heat[16, 6] > 0 and heat[16, 10] < 0.01


def test_a_remnant_is_neither_there_nor_not_there() -> None:
    boxes = Boxes.of([[-9, 4], [6, 6]], [[2, 10], [10, 10]], [0, 0], axes=2)
    targets = center_targets(moved(boxes, (16, 16)), (16, 16), stride=(2, 2), labels=2)
    unknown = torch.isnan(targets["heat"])
    assert unknown.sum() == 2 * 3 and unknown[:, 0, 2:5].all()
    assert (targets["heat"] == 1).sum() == 1 and not torch.isnan(targets["size"][:, 4, 4]).any()


def test_of_two_in_one_cell_the_smaller_has_the_size() -> None:
    boxes = Boxes.of([[6, 6], [0, 0]], [[10, 10], [16, 16]], [0, 1], axes=2)
    targets = center_targets(moved(boxes, (16, 16)), (16, 16), stride=(4, 4), labels=2)
    np.testing.assert_allclose(targets["size"][:, 2, 2].exp(), [4, 4], rtol=1e-5)
    assert (targets["heat"] == 1).sum() == 2


def test_a_centre_on_the_last_edge_stays_in_the_last_cell() -> None:
    boxes = Boxes.of([[15.9, 4]], [[16.1, 8]], [0], axes=2)
    targets = center_targets(moved(boxes, (16, 16)), (16, 16), stride=(2, 2), labels=1)
    assert (targets["heat"] == 1).nonzero().tolist() == [[0, 7, 3]]


def test_no_boxes_no_heat() -> None:
    none = Boxes.of([], [], [], axes=3)
    targets = center_targets(moved(none, (8, 8, 8)), (8, 8, 8), stride=(2, 2, 2), labels=1)
    assert targets["heat"].sum() == 0 and torch.isnan(targets["size"]).all()
