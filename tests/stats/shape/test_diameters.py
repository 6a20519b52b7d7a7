"""Diameters of boxes, balls and ellipses, which arithmetic gives; and the brute force over all surface points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from skimage.draw import ellipse
from skimage.measure import marching_cubes

from overread.stats.shape import axes_in_plane, max_diameter


def test_ten_voxels_in_a_row_are_ten_long() -> None:
    mask = np.zeros((5, 16, 7), bool)
    mask[2, 3:13, 4] = True
    found = axes_in_plane(mask, spacing=(0.5, 1, 3))
    assert found is not None
    assert (found.long, found.short, found.slice) == (pytest.approx(10), pytest.approx(0.5), 4)
    assert sorted(e[1] for e in found.ends) == [2.5, 12.5]
    assert max_diameter(mask, spacing=(0.5, 1, 3)) == pytest.approx(10)


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, 2.5])
def test_a_turned_ellipse_has_its_axes(angle: float) -> None:
    mask = np.zeros((160, 160), bool)
    mask[ellipse(80, 80, 60, 25, rotation=angle)] = True
    found = axes_in_plane(mask, spacing=(0.5, 0.5))
    assert found is not None
    assert found.long == pytest.approx(60, abs=0.8) and found.short == pytest.approx(25, abs=0.8)
    assert found.slice == 0


def test_the_largest_part_of_the_best_slice_counts() -> None:
    """Two nodules in one slice are not one of both; the longer lies in another slice."""
    mask = np.zeros((40, 40, 3), bool)
    mask[2:8, 2:8, 0] = mask[30:36, 30:36, 0] = True
    mask[10:22, 10:14, 2] = True
    found = axes_in_plane(mask)
    assert found is not None and found.slice == 2
    # Of a rectangle the hull's corners are the middles of its pixels' outer edges.
    assert found.long == pytest.approx(np.hypot(12, 3))


def test_the_longest_of_all_is_that_of_every_pair() -> None:
    mask = np.random.default_rng(0).random((6, 7, 5)) < 0.3
    points = marching_cubes(np.pad(mask, 1).astype(float), 0.5, spacing=(1, 2, 3), method="lorensen")[0]
    assert max_diameter(mask, spacing=(1, 2, 3)) == pytest.approx(pdist(points).max())


def test_nothing_is_not_long() -> None:
    assert axes_in_plane(np.zeros((4, 4))) is None and max_diameter(np.zeros((4, 4, 4))) == 0
