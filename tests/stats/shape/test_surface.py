"""Area and volume of a mask's surface: those of scikit-image's mesh, and of boxes by arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import marching_cubes, mesh_surface_area

from overread.stats.shape import enclosed_size, surface_size

SPACING = (1.0, 2.0, 3.0)


def _ball(radius: int) -> np.ndarray:
    at = np.indices((2 * radius + 3,) * 3) - radius - 1
    return (at**2).sum(axis=0) <= radius**2


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_the_mesh_is_scikit_images(seed: int | None) -> None:
    """Where no face is ambiguous: a ball, and voxels strewn thinly."""
    mask = _ball(7) if seed is None else np.random.default_rng(seed).random((9, 8, 10)) < 0.06
    points, faces, _, _ = marching_cubes(
        np.pad(mask, 1).astype(float), 0.5, spacing=SPACING, method="lorensen"
    )
    a, b, c = np.moveaxis(points[faces], 1, 0)
    volume = abs(float((a * np.cross(b, c)).sum()) / 6)
    assert surface_size(mask, spacing=SPACING) == pytest.approx(mesh_surface_area(points, faces), rel=1e-6)
    assert enclosed_size(mask, spacing=SPACING) == pytest.approx(volume, rel=1e-6)


def test_a_ball_is_as_large_as_a_ball() -> None:
    assert enclosed_size(_ball(15)) == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.01)
    # Of a binary mask some 8% too much, whatever the resolution.
    assert surface_size(_ball(15)) / (4 * np.pi * 15**2) == pytest.approx(1.085, abs=0.02)


def test_a_rectangle_loses_its_corners() -> None:
    mask = np.zeros((9, 9), bool)
    mask[2:6, 3:8] = True
    assert enclosed_size(mask, spacing=(2, 1)) == pytest.approx(2 * (20 - 4 * 0.125))
    corners = 4 * np.hypot(1, 0.5) - 2 * (1 + 2)
    assert surface_size(mask, spacing=(2, 1)) == pytest.approx(2 * (4 * 2 + 5) + corners)
    hollow = mask.copy()
    hollow[4, 5] = False
    assert enclosed_size(mask) - enclosed_size(hollow) == pytest.approx(0.5)


def test_nothing_has_no_surface_and_a_line_is_refused() -> None:
    assert surface_size(np.zeros((3, 3, 3))) == enclosed_size(np.zeros((3, 3))) == 0
    with pytest.raises(ValueError, match="expected 2 or 3"):
        surface_size(np.ones(3))
