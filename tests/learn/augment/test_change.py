"""Augmentation: identity changes nothing, labels stay labels, equal counters give equal images."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.learn.augment import Change, apply, draw, generator, random_crop, sampling_grid
from overread.learn.plan import Augment

STRONG = Augment(
    rotate_deg=30,
    scale=0.3,
    shift=0.1,
    elastic=0.1,
    flip=[0],
    brightness=0.3,
    contrast=0.3,
    gamma=0.3,
    noise=0.2,
    blur=1,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(4, 14), min_size=2, max_size=3), st.integers(0, 1000))
def test_identity(size: list[int], seed: int) -> None:
    change = draw(Augment(), len(size), generator(seed, 0, 0))
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, *size)).astype(np.float32))
    label = torch.from_numpy(np.random.default_rng(seed).integers(0, 5, size=size, dtype=np.uint8))
    image, mask = apply(change, x, label)
    torch.testing.assert_close(image, x, atol=1e-4, rtol=1e-4)
    assert mask is not None and torch.equal(mask, label)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 3), st.integers(0, 10_000))
def test_labels_stay_labels_and_constant_stays_constant(d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(6, 16, d))
    change = draw(STRONG.model_copy(update={"noise": 0.0, "brightness": 0.0}), d, generator(seed, 1, 2))
    label = torch.from_numpy(rng.choice([0, 3, 200], size=size).astype(np.uint8))
    image, mask = apply(change, torch.full((1, *size), 1.7), label)
    assert mask is not None and set(mask.unique().tolist()) <= {0, 3, 200}
    torch.testing.assert_close(image, torch.full_like(image, 1.7), atol=1e-3, rtol=1e-3)


def test_image_and_label_move_together() -> None:
    ball = np.linalg.norm(np.stack(np.meshgrid(*[np.arange(40) - 22.0] * 3, indexing="ij")), axis=0) < 9
    for seed in range(5):
        change = draw(
            Augment(rotate_deg=30, scale=0.2, shift=0.1, elastic=0.05, flip=[0, 1, 2]),
            3,
            generator(seed, 0, 0),
        )
        image, mask = apply(
            change, torch.from_numpy(ball[None].astype(np.float32)), torch.from_numpy(ball.astype(np.uint8))
        )
        assert mask is not None
        both = ((image[0] > 0.5) & (mask > 0)).sum() * 2 / ((image[0] > 0.5).sum() + (mask > 0).sum())
        assert both > 0.95


def test_rotation_is_rigid_in_voxels() -> None:
    """A quarter turn of a long bar in a non-square image keeps its length in voxels."""
    bar = torch.zeros(1, 24, 48)
    bar[0, 11:13, 18:30] = 1
    turn = Change([[0.0, -1.0], [1.0, 0.0]], [0, 0], None, 0, 1, 1, 0, 0, 0)
    image, _ = apply(turn, bar)
    rows = (image[0] > 0.5).any(1).sum().item()
    columns = (image[0] > 0.5).any(0).sum().item()
    assert (rows, columns) == (12, 2)


def test_drawn_parameters_are_data_and_replay() -> None:
    x = torch.randn(2, 10, 12, 9)
    change = draw(STRONG, 3, generator(7, 3, 11))
    again = Change(**json.loads(json.dumps(change.as_dict())))
    assert draw(STRONG, 3, generator(7, 3, 11)) == change
    assert torch.equal(apply(change, x)[0], apply(again, x)[0])
    assert draw(STRONG, 3, generator(7, 3, 12)) != change
    assert draw(STRONG, 3, generator(7, 4, 11)) != change


def test_a_patch_from_a_larger_crop_is_its_middle() -> None:
    x = torch.randn(1, 20, 22)
    still = draw(Augment(), 2, generator(0, 0, 0))
    image, _ = apply(still, x, size=(10, 12))
    torch.testing.assert_close(image, x[:, 5:15, 5:17], atol=1e-5, rtol=1e-5)


def test_elastic_field_is_smooth_and_bounded() -> None:
    control = np.random.default_rng(0).uniform(-1, 1, (2, 7, 7)) * 0.1
    still = Change(np.eye(2).tolist(), [0, 0], None, 0, 1, 1, 0, 0, 0)
    bent = Change(np.eye(2).tolist(), [0, 0], control.tolist(), 0, 1, 1, 0, 0, 0)
    field = (sampling_grid(bent, (50, 60)) - sampling_grid(still, (50, 60))).numpy()
    assert np.abs(field).max() <= 0.1
    assert np.abs(np.diff(field, axis=0)).max() < 0.03


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=3), st.integers(0, 99))
def test_crop_has_the_asked_size_and_stays_inside(axes: list[tuple[int, int]], seed: int) -> None:
    spatial, size = tuple(n for n, _ in axes), tuple(s for _, s in axes)
    rng = np.random.default_rng(seed)
    mask = rng.integers(1, 9, spatial)
    image, label = random_crop(mask[None], mask, size, np.array([rng.integers(n) for n in spatial]))
    assert image.shape == (1, *size) and label.shape == size
    np.testing.assert_array_equal(image[0], label)
    assert set(np.unique(label)) <= set(np.unique(mask))


@pytest.mark.parametrize("d", [2, 3])
def test_strong_changes_give_finite_numbers(d: int) -> None:
    for i in range(20):
        image, _ = apply(draw(STRONG, d, generator(0, 0, i)), torch.randn(2, *[12] * d) * 3)
        assert torch.isfinite(image).all()


def test_rotation_is_rigid_in_mm_on_thick_slices() -> None:
    """A quarter turn out of plane moves a point by its distance in mm, whatever the voxels' shape."""
    spacing = (1.0, 5.0)
    turn = Change([[0.0, -1.0], [1.0, 0.0]], [0, 0], None, 0, 1, 1, 0, 0, 0)
    size = (41, 9)
    grid = sampling_grid(turn, size, spacing=spacing).numpy()
    # The voxel 10 mm along the first axis reads 10 mm, that is 2 slices, along the second.
    column, row = grid[30, 4]
    read = np.array([(row + 1) * size[0] / 2 - 0.5, (column + 1) * size[1] / 2 - 0.5])
    np.testing.assert_allclose(np.abs(read - [20, 4]) * spacing, [0, 10], atol=1e-4)


def test_nothing_turns_out_of_the_plane_of_thick_slices() -> None:
    change = draw(Augment(rotate_deg=30, coarse_axis=2), 3, generator(1, 2, 3))
    matrix = np.array(change.matrix)
    np.testing.assert_allclose(matrix[2], [0, 0, 1])
    np.testing.assert_allclose(matrix[:, 2], [0, 0, 1])
    assert abs(matrix[0, 1]) > 0
