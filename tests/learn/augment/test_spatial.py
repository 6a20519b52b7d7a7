"""What is drawn of the spatial part."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from overread.learn.augment.change import Change
from overread.learn.augment.describe import words
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


@pytest.mark.parametrize("coarse", [None, 2])
def test_shear_keeps_volume_and_moves_no_other_number(coarse: int | None) -> None:
    random = partial(lambda e, i, name: generator(1, name, e, i), 2, 3)
    spec = Augment(rotate_deg=20, scale=0.2, shift=0.1, elastic=0.1, flip=[0, 1, 2], coarse_axis=coarse)
    plain = draw_spatial(spec, 3, random)
    sheared = draw_spatial(spec.model_copy(update={"shear": 0.3}), 3, random)
    assert (sheared.shift, sheared.control) == (plain.shift, plain.control)
    before, after = np.array(plain.matrix), np.array(sheared.matrix)
    assert np.linalg.det(after) == pytest.approx(np.linalg.det(before))
    slopes = np.abs(np.linalg.inv(before) @ after)
    np.testing.assert_allclose(np.tril(slopes), np.eye(3), atol=1e-9)
    above = slopes[np.triu_indices(3, 1)]
    assert (
        (above > 0) == ([True] * 3 if coarse is None else [True, False, False])
    ).all() and above.max() <= 0.3


def test_shear_is_told_apart_from_turning() -> None:
    off = words(Change(Spatial([[1.0, 0.2], [0.0, 1.0]], [0.0, 0.0])))
    assert off == ["sheared by 20%"]
    turn = np.array([[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]])
    both = words(Change(Spatial((turn @ [[0.9, 0.18], [0.0, -0.9]]).tolist(), [0.0, 0.0])))
    assert both == ["mirrored", "turned by 5.7 degrees", "size 111%", "sheared by 20%"]
