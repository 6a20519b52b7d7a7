"""Boxes on a grid: what goes out comes back, in 2D and 3D, and no box is ever dropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.spatial.transform import Rotation

from overread.errors import InputError
from overread.imaging.boxes import (
    Boxes,
    boxes_to_mask,
    from_world,
    joined,
    label_map_to_boxes,
    masks_to_boxes,
    to_world,
)

SEEDS = st.integers(0, 2**32 - 1)
AXES = st.sampled_from([2, 3])


def _some(rng: np.random.Generator, axes: int, *, whole: bool = False, most: int = 6) -> Boxes:
    """Boxes of at least a voxel in a grid of 20 voxels per axis, or half beyond it."""
    n = int(rng.integers(0, most))
    low = rng.uniform(-5, 20, (n, axes)) if not whole else rng.integers(0, 18, (n, axes))
    high = low + (rng.uniform(1, 12, (n, axes)) if not whole else rng.integers(1, 3, (n, axes)))
    return Boxes.of(low, high, rng.integers(0, 3, n), rng.random(n), axes=axes)


def _affine(rng: np.random.Generator, *, oblique: bool) -> NDArray[np.float64]:
    """Axes permuted and flipped, or turned, voxels of 0.3 to 5 mm, the origin anywhere."""
    turn = Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()
    if not oblique:
        turn = np.eye(3)[rng.permutation(3)] * rng.choice([-1.0, 1.0], 3)
    affine = np.eye(4)
    affine[:3, :3] = turn * rng.uniform(0.3, 5, 3)
    affine[:3, 3] = rng.uniform(-300, 300, 3)
    return affine


def _same(a: Boxes, b: Boxes) -> None:
    np.testing.assert_allclose(a.low, b.low, atol=1e-7)
    np.testing.assert_allclose(a.high, b.high, atol=1e-7)
    np.testing.assert_array_equal(a.labels, b.labels)
    np.testing.assert_array_equal(a.scores, b.scores)


@given(SEEDS, AXES)
@settings(max_examples=60, deadline=None)
def test_moving_and_moving_back(seed: int, axes: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = _some(rng, axes)
    factor, shift = rng.uniform(0.2, 4, axes) * rng.choice([-1, 1], axes), rng.uniform(-9, 9, axes)
    there = boxes.moved(factor, shift)
    assert len(there) == len(boxes) and (there.low <= there.high).all()
    np.testing.assert_allclose(there.extent, boxes.extent * np.abs(factor))
    _same(there.moved(1 / factor, -shift / factor), boxes)
    _same(boxes.moved([1.0] * axes), boxes)


@given(SEEDS, AXES)
@settings(max_examples=60, deadline=None)
def test_clipping_keeps_every_box(seed: int, axes: int) -> None:
    boxes = _some(np.random.default_rng(seed), axes)
    spatial = (20,) * axes
    cut = boxes.clipped(spatial)
    assert len(cut) == len(boxes) and (cut.low >= 0).all() and (cut.high <= 20).all()
    assert (cut.low <= cut.high).all()
    _same(cut.clipped(spatial), cut)
    within = (boxes.low >= 0).all(axis=1) & (boxes.high <= 20).all(axis=1)
    _same(boxes.where(within), cut.where(within))
    assert boxes.inside(spatial)[within].all()
    np.testing.assert_array_equal(boxes.inside(spatial), (cut.extent > 0).all(axis=1))


def test_the_share_inside() -> None:
    boxes = Boxes.of([[-3, 0], [-1, 0], [30, 30]], [[1, 4], [3, 4], [31, 31]], [0, 0, 0], axes=2)
    assert boxes.inside((20, 20)).tolist() == [True, True, False]
    assert boxes.inside((20, 20), share=0.25).tolist() == [False, True, False]


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_to_the_world_and_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, affine = _some(rng, 3), _affine(rng, oblique=False)
    world = to_world(boxes, affine)
    assert world.shape == (len(boxes), 6) and (world[:, :3] <= world[:, 3:]).all()
    volume = np.prod(boxes.extent, axis=1) * abs(np.linalg.det(affine[:3, :3]))
    np.testing.assert_allclose(np.prod(world[:, 3:] - world[:, :3], axis=1), volume)
    low, high = from_world(world, affine)
    np.testing.assert_allclose(low, boxes.low, atol=1e-6)
    np.testing.assert_allclose(high, boxes.high, atol=1e-6)


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_oblique_boxes_are_enclosed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, affine = _some(rng, 3), _affine(rng, oblique=True)
    world = to_world(boxes, affine)
    inside = boxes.low[:, None] + rng.random((len(boxes), 50, 3)) * boxes.extent[:, None]
    points = (inside - 0.5) @ affine[:3, :3].T + affine[:3, 3]
    assert (points >= world[:, None, :3] - 1e-6).all() and (points <= world[:, None, 3:] + 1e-6).all()
    low, high = from_world(world, affine)
    assert len(low) == len(boxes)
    assert (low <= boxes.low + 1e-6).all() and (high >= boxes.high - 1e-6).all()


def test_a_turn_of_45_degrees_by_hand() -> None:
    affine = np.eye(4)
    affine[:2, :2] = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    boxes = Boxes.of([[0.5, 0.5, 0.5]], [[2.5, 2.5, 4.5]], [0], axes=3)
    np.testing.assert_allclose(to_world(boxes, affine), [[-np.sqrt(2), 0, 0, np.sqrt(2), 2 * np.sqrt(2), 4]])


def test_a_damaged_affine_is_refused() -> None:
    with pytest.raises(InputError, match="affine is singular"):
        from_world(np.zeros((1, 6)), np.diag([1.0, 1, 0, 1]))


@given(SEEDS, AXES)
@settings(max_examples=60, deadline=None)
def test_objects_and_their_boxes(seed: int, axes: int) -> None:
    """Boxes painted one after the other, the last on top: whole ones come back as they were."""
    rng = np.random.default_rng(seed)
    boxes = _some(rng, axes, whole=True)
    objects = np.zeros((20,) * axes, np.int32)
    numbers = np.sort(rng.choice(np.arange(1, 70_000), len(boxes), replace=False))
    for i, number in enumerate(numbers):
        objects[boxes_to_mask(boxes.where(np.array([i])), objects.shape)] = number
    labels = dict(zip(numbers.tolist(), boxes.labels.tolist(), strict=True))
    seen = np.array([np.count_nonzero(objects == n) for n in numbers], dtype=np.int64)
    found = masks_to_boxes(objects, labels)
    assert len(found) == np.count_nonzero(seen)
    whole = seen == np.prod(boxes.extent, axis=1)
    kept = whole[seen > 0]
    np.testing.assert_array_equal(found.where(kept).low, boxes.where(whole).low)
    np.testing.assert_array_equal(found.where(kept).high, boxes.where(whole).high)
    np.testing.assert_array_equal(found.where(kept).labels, boxes.where(whole).labels)
    assert (boxes_to_mask(found, objects.shape) | ~(objects > 0)).all()


@given(SEEDS, AXES)
@settings(max_examples=40, deadline=None)
def test_label_maps_and_their_boxes(seed: int, axes: int) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random((12,) * axes) < 0.08) * rng.integers(1, 4, (12,) * axes)
    found = label_map_to_boxes(mask)
    assert found.axes == axes
    for value in (1, 2, 3):
        mine = found.where(found.labels == value - 1)
        assert (len(mine) > 0) == (mask == value).any()
        covered = boxes_to_mask(mine, mask.shape)
        assert covered[mask == value].all()
    assert len(label_map_to_boxes(np.zeros((4, 4, 4), int))) == 0


def test_faults_of_objects() -> None:
    with pytest.raises(ValueError, match="found -1"):
        masks_to_boxes(np.array([[-1, 0]]))
    with pytest.raises(ValueError, match=r"numbers \[2\] have no label"):
        masks_to_boxes(np.array([[1, 2]]), {1: 0})
    full = masks_to_boxes(np.full((3, 4), 5))
    assert full.low.tolist() == [[0, 0]] and full.high.tolist() == [[3, 4]] and full.labels.tolist() == [0]
    with pytest.raises(ValueError, match="one row, label and score a box"):
        Boxes(np.zeros((2, 2)), np.ones((2, 2)), np.zeros(1, np.int64), np.ones(2))


def test_joined_and_none() -> None:
    one = Boxes.of([[0, 0, 0]], [[1, 2, 3]], [1], [0.5], axes=3)
    both = joined([one, one.moved([2.0, 2, 2])], axes=3)
    assert (
        len(both) == 2 and both.high.tolist() == [[1, 2, 3], [2, 4, 6]] and both.scores.tolist() == [0.5] * 2
    )
    none = joined([], axes=2)
    assert len(none) == 0 and none.axes == 2 and none.labels.dtype == np.int64
    assert to_world(joined([], axes=3), np.eye(4)).shape == (0, 6)
    assert both.centre.tolist() == [[0.5, 1, 1.5], [1, 2, 3]]


def test_boxes_of_real_nuclei(data_dir: Path) -> None:
    for path in sorted((data_dir / "dsb2018_nuclei" / "labels").glob("*.png"))[:12]:
        objects = np.asarray(Pillow.open(path)).astype(np.int32)
        boxes = masks_to_boxes(objects)
        numbers = np.unique(objects[objects > 0])
        assert len(boxes) == len(numbers)
        for i, number in enumerate(numbers[:20]):
            rows, columns = np.nonzero(objects == number)
            assert boxes.low[i].tolist() == [rows.min(), columns.min()]
            assert boxes.high[i].tolist() == [rows.max() + 1, columns.max() + 1]
