"""The sampling grid: smooth, rigid in mm, and never out of the plane of thick slices."""

from __future__ import annotations

from functools import partial

import numpy as np

from overread.learn.augment.random import generator
from overread.learn.augment.spatial import Spatial, displacement, draw_spatial, sampling_grid
from overread.learn.plan import Augment

STILL = [[1.0, 0.0], [0.0, 1.0]]


def test_elastic_field_is_smooth_and_bounded() -> None:
    control = np.random.default_rng(0).uniform(-1, 1, (2, 7, 7)) * 0.1
    still, bent = Spatial(STILL, [0, 0]), Spatial(STILL, [0, 0], control.tolist())
    field = (sampling_grid(bent, (50, 60)) - sampling_grid(still, (50, 60))).numpy()
    assert np.abs(field).max() <= 0.1
    assert np.abs(np.diff(field, axis=0)).max() < 0.03


def test_the_field_at_points_is_that_of_the_grid() -> None:
    size = (9, 11, 6)
    control = np.random.default_rng(1).uniform(-0.1, 0.1, (3, 7, 7, 7))
    still = Spatial(np.eye(3).tolist(), [0, 0, 0])
    bent = Spatial(np.eye(3).tolist(), [0, 0, 0], control.tolist())
    field = (sampling_grid(bent, size) - sampling_grid(still, size)).numpy()[..., ::-1].reshape(-1, 3)
    points = np.stack(np.meshgrid(*[(2 * np.arange(n) + 1) / n - 1 for n in size], indexing="ij"), -1)
    np.testing.assert_allclose(displacement(bent, points.reshape(-1, 3), size), field, atol=1e-5)


def test_rotation_is_rigid_in_mm_on_thick_slices() -> None:
    """A quarter turn out of plane moves a point by its distance in mm, whatever the voxels' shape."""
    spacing = (1.0, 5.0)
    size = (41, 9)
    grid = sampling_grid(Spatial([[0.0, -1.0], [1.0, 0.0]], [0, 0]), size, spacing=spacing).numpy()
    # The voxel 10 mm along the first axis reads 10 mm, that is 2 slices, along the second.
    column, row = grid[30, 4]
    read = np.array([(row + 1) * size[0] / 2 - 0.5, (column + 1) * size[1] / 2 - 0.5])
    np.testing.assert_allclose(np.abs(read - [20, 4]) * spacing, [0, 10], atol=1e-4)


def test_nothing_turns_out_of_the_plane_of_thick_slices() -> None:
    random = partial(lambda e, i, name: generator(1, name, e, i), 2, 3)
    matrix = np.array(draw_spatial(Augment(rotate_deg=30, coarse_axis=2), 3, random).matrix)
    np.testing.assert_allclose(matrix[2], [0, 0, 1])
    np.testing.assert_allclose(matrix[:, 2], [0, 0, 1])
    assert abs(matrix[0, 1]) > 0
