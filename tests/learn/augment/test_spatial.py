"""What is drawn of the spatial part."""

from __future__ import annotations

from functools import partial

import numpy as np

from overread.learn.augment.random import generator
from overread.learn.augment.spatial import Spatial, draw_spatial, mirrored
from overread.learn.plan import Augment


def test_nothing_turns_out_of_the_plane_of_thick_slices() -> None:
    random = partial(lambda e, i, name: generator(1, name, e, i), 2, 3)
    matrix = np.array(draw_spatial(Augment(rotate_deg=30, coarse_axis=2), 3, random).matrix)
    np.testing.assert_allclose(matrix[2], [0, 0, 1])
    np.testing.assert_allclose(matrix[:, 2], [0, 0, 1])
    assert abs(matrix[0, 1]) > 0


def test_only_mirroring_is_told_apart() -> None:
    assert mirrored(Spatial([[1.0, 0.0], [0.0, -1.0]], [0.0, 0.0])) == [False, True]
    for matrix, shift in (
        ([[0.0, 1.0], [1.0, 0.0]], [0.0, 0.0]),
        ([[1.0, 0.0], [0.0, 1.0]], [0.1, 0.0]),
        ([[1.0, 0.0], [0.0, 0.9]], [0.0, 0.0]),
        ([[1.0, 1e-9], [0.0, 1.0]], [0.0, 0.0]),
    ):
        assert mirrored(Spatial(matrix, shift)) is None
