"""A bright rectangle and its box go the same way; whatever leaves the patch is counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.imaging.boxes import Boxes
from overread.learn.augment.boxes import apply_boxes, apply_points, inverse
from overread.learn.augment.change import Change, apply, draw
from overread.learn.augment.spatial import Spatial, displacement, matrix_of
from overread.learn.plan import Augment

CASES = {
    "nothing": Augment(),
    "flips": Augment(flip=[0, 1]),
    "scale and shift": Augment(scale=0.2, shift=0.1),
    "rotation": Augment(rotate_deg=30),
    "elastic": Augment(elastic=0.05),
    "everything": Augment(rotate_deg=20, scale=0.2, shift=0.05, elastic=0.04, flip=[0]),
}


@pytest.mark.parametrize("spacing", [None, "anisotropic"])
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_a_rectangle_and_its_box_go_the_same_way(name: str, d: int, spacing: str | None) -> None:
    image_size, size, start = (48, 52, 44)[:d], (40, 36, 32)[:d], (3, 9, 5)[:d]
    mm = (1.0, 1.5, 2.0)[:d] if spacing else None
    low, high = np.array((17, 20, 16))[:d], np.array((27, 26, 24))[:d]
    image = torch.zeros(1, *image_size)
    image[(0, *(slice(a, b) for a, b in zip(low, high, strict=True)))] = 1
    boxes = Boxes.of([low], [high], [0], axes=d)
    for i in range(6):
        change = draw(CASES[name], d, seed=4, epoch=0, index=i)
        out, _ = apply(change, image, size=size, start=start, spacing=mm)
        moved = apply_boxes(change.spatial, boxes, size, start=start, spacing=mm)
        assert len(moved.boxes) == 1 and not moved.outside
        # A sharper edge than the half value of a corner, which linear interpolation rounds off.
        found = np.nonzero(out[0].numpy() > 0.3)
        edges = np.array([[f.min(), f.max() + 1] for f in found])
        np.testing.assert_allclose(moved.boxes.low[0], edges[:, 0], atol=1.6)
        np.testing.assert_allclose(moved.boxes.high[0], edges[:, 1], atol=1.6)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 3), st.integers(0, 10_000))
def test_the_way_back_is_the_inverse_of_the_sampling(d: int, seed: int) -> None:
    change = draw(
        Augment(rotate_deg=30, scale=0.2, shift=0.1, elastic=0.05, flip=[0]), d, seed=seed, epoch=0, index=0
    ).spatial
    size, spacing = (30, 40, 24)[:d], (1.0, 0.7, 3.0)[:d]
    points = np.random.default_rng(seed).uniform(0, 1, (20, d)) * size
    there = inverse(change, points, size, spacing) / size * 2 - 1
    read = there @ matrix_of(change, size, spacing).T + change.shift + displacement(change, there, size)
    np.testing.assert_allclose((read + 1) / 2 * size, points, atol=1e-3)


def test_boxes_that_leave_are_counted() -> None:
    still = Change(Spatial([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])).spatial
    boxes = Boxes.of(
        [[2, 2], [6, 6], [6, 0], [9, 9], [30, 2], [-4, -4]],
        [[5, 5], [12, 9], [7, 40], [19, 19], [40, 9], [10, 10]],
        [0, 1, 2, 3, 4, 5],
        axes=2,
    )
    moved = apply_boxes(still, boxes, (10, 10))
    assert moved.boxes.labels.tolist() == [0, 1, 5]
    assert moved.remnants.labels.tolist() == [2, 3]
    assert (moved.before, moved.cut, moved.outside) == (6, 2, 1)
    assert moved.before == len(moved.boxes) + len(moved.remnants) + moved.outside
    np.testing.assert_array_equal(moved.boxes.low[1:], [[6, 6], [0, 0]])
    np.testing.assert_array_equal(moved.boxes.high[1:], [[10, 9], [10, 10]])


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 3), st.integers(0, 30), st.integers(0, 10_000))
def test_none_is_lost(d: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(-5, 40, (n, d))
    boxes = Boxes.of(low, low + rng.uniform(1, 20, (n, d)), rng.integers(3, size=n), axes=d)
    change = draw(CASES["everything"], d, seed=seed, epoch=0, index=0)
    moved = apply_boxes(change.spatial, boxes, (24,) * d, start=(6,) * d)
    assert len(moved.boxes) + len(moved.remnants) + moved.outside == moved.before == n
    for part in (moved.boxes, moved.remnants):
        assert (part.low >= 0).all() and (part.high <= 24).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 3), st.integers(0, 10_000), st.booleans())
def test_boxes_contain_their_masks(d: int, seed: int, bent: bool) -> None:
    """Of an object's mask, changed alike, every voxel's centre lies in the object's changed box."""
    rng = np.random.default_rng(seed)
    spatial = rng.integers(12, 25, d)
    low = np.array([rng.integers(0, n - 6) for n in spatial])
    high = low + rng.integers(3, 7, d)
    mask = np.zeros(spatial, np.uint8)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = 1
    size = tuple(int(n) for n in rng.integers(8, 25, d))
    start = [int(rng.integers(-4, n)) for n in spatial - np.minimum(size, spatial) + 1]
    spec = Augment(rotate_deg=30, scale=0.3, shift=0.1, elastic=0.05 if bent else 0.0, flip=[0])
    change = draw(spec, d, seed=seed, epoch=0, index=0)
    spacing = rng.uniform(0.5, 2, d).tolist()
    label = apply(change, np.zeros((1, *spatial), np.float32), mask, size=size, start=start, spacing=spacing)[
        1
    ]
    assert label is not None
    moved = apply_boxes(
        change.spatial, Boxes.of([low], [high], [0], axes=d), size, start=start, spacing=spacing, visible=0.0
    ).boxes
    # Beyond the image its edge is repeated, and with it what touches it.
    within = np.array([(a > 0) and (b < n) for a, b, n in zip(low, high, spatial, strict=True)])
    found = np.argwhere(label.numpy()) + 0.5
    if within.all() and len(found):
        # A bent edge lies between the points that it is followed by.
        tolerance = 0.35 if bent else 1e-3
        assert len(moved) == 1
        assert (found >= moved.low[0] - tolerance).all() and (found <= moved.high[0] + tolerance).all()


def test_points_go_where_the_voxels_go() -> None:
    spec = Augment(rotate_deg=25, scale=0.2, shift=0.1, elastic=0.05, flip=[1])
    for i in range(6):
        change = draw(spec, 2, seed=2, epoch=0, index=i)
        x = np.zeros((1, 40, 44), np.float32)
        x[0, 18:21, 25:28] = 1
        image = apply(change, x, size=(36, 36), start=(2, 5))[0][0].numpy()
        centre = (np.indices(image.shape) + 0.5).reshape(2, -1) @ image.ravel() / image.sum()
        moved = apply_points(change.spatial, np.array([[19.5, 26.5]]), (36, 36), start=(2, 5))
        np.testing.assert_allclose(moved[0], centre, atol=0.15)
