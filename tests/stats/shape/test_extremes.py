"""Few points that stand for a whole surface."""

from __future__ import annotations

import numpy as np
import pytest

from overread.stats.shape.extremes import farthest, hull_points, surface_points


def test_one_voxel_has_six_ends() -> None:
    points = surface_points(np.ones((1, 1, 1), bool))
    assert sorted(map(tuple, points.tolist())) == sorted(
        tuple(s * 0.5 if a == k else 0.0 for a in range(3)) for k in range(3) for s in (-1, 1)
    )
    assert len(hull_points(points)) == 6 and farthest(points)[0] == pytest.approx(1)


def test_pairs_are_looked_at_in_blocks() -> None:
    points = np.random.default_rng(0).normal(size=(1300, 2))
    points[[3, 1250]] = [[-50, 0], [50, 1]]
    length, a, b = farthest(points)
    assert length == pytest.approx(np.hypot(100, 1)) and {tuple(a), tuple(b)} == {(-50, 0), (50, 1)}
