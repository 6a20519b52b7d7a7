"""Where a patch is read: smooth, rigid in mm, the same in slabs as at once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.learn.augment import places as module
from overread.learn.augment.places import Places
from overread.learn.augment.spatial import Spatial, displacement, matrix_of

STILL = [[1.0, 0.0], [0.0, 1.0]]


def places(
    change: Spatial, size: tuple[int, ...], spacing: tuple[float, ...] | None = None
) -> NDArray[np.float32]:
    return Places(change, size, spacing=spacing).whole().numpy()


def test_elastic_field_is_smooth_and_bounded() -> None:
    control = np.random.default_rng(0).uniform(-1, 1, (2, 7, 7)) * 0.1
    still, bent = Spatial(STILL, [0, 0]), Spatial(STILL, [0, 0], control.tolist())
    field = (places(bent, (50, 60)) - places(still, (50, 60))) / [[[25]], [[30]]]
    assert np.abs(field).max() <= 0.1
    assert np.abs(np.diff(field, axis=1)).max() < 0.03


def test_the_field_at_points_is_that_of_the_grid() -> None:
    size = (9, 11, 6)
    control = np.random.default_rng(1).uniform(-0.1, 0.1, (3, 7, 7, 7))
    still = Spatial(np.eye(3).tolist(), [0, 0, 0])
    bent = Spatial(np.eye(3).tolist(), [0, 0, 0], control.tolist())
    field = (places(bent, size) - places(still, size)).reshape(3, -1).T * 2 / size
    points = np.stack(np.meshgrid(*[(2 * np.arange(n) + 1) / n - 1 for n in size], indexing="ij"), -1)
    np.testing.assert_allclose(displacement(bent, points.reshape(-1, 3), size), field, atol=1e-5)


def test_rotation_is_rigid_in_mm_on_thick_slices() -> None:
    """A quarter turn out of plane moves a point by its distance in mm, whatever the voxels' shape."""
    spacing = (1.0, 5.0)
    size = (41, 9)
    read = places(Spatial([[0.0, -1.0], [1.0, 0.0]], [0, 0]), size, spacing=spacing)[:, 30, 4]
    # The voxel 10 mm along the first axis reads 10 mm, that is 2 slices, along the second.
    np.testing.assert_allclose(np.abs(read - [20, 4]) * spacing, [0, 10], atol=1e-4)


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("size", [(7, 9), (6, 1), (5, 8, 6)])
def test_affine_and_elastic_part_add_up(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, ...], bent: bool
) -> None:
    rng, d = np.random.default_rng(0), len(size)
    control = rng.uniform(-0.1, 0.1, (d, *[7] * d)).tolist() if bent else None
    change = Spatial(
        (np.eye(d) + rng.normal(0, 0.2, (d, d))).tolist(), rng.normal(0, 0.1, d).tolist(), control
    )
    spacing = rng.uniform(0.5, 3, d).tolist()
    monkeypatch.setattr(module, "BLOCK", 20)
    start = [3.0] * d
    found = Places(change, size, start=start, spacing=spacing)
    points = np.stack(
        np.meshgrid(*[(2 * np.arange(n) + 1) / n - 1 for n in size], indexing="ij"), -1
    ).reshape(-1, d)
    expected = points @ matrix_of(change, size, spacing).T + change.shift + displacement(change, points, size)
    expected = (expected + 1) * np.array(size) / 2 - 0.5 + start
    whole = found.whole().reshape(d, -1).T.numpy()
    np.testing.assert_allclose(whole, expected, atol=2e-4)
    np.testing.assert_allclose(found.bounds(), [(a.min(), a.max()) for a in whole.T])
