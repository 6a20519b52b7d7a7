"""The network's grid by spacing."""

from __future__ import annotations

from tests.learn.looks import look, room

from overread.learn.planner.spacing import grid_size, median_spacing
from overread.runtime.manifest import Intensity, Preprocess

GREY = [Intensity(method="zscore")]


def test_volumes_take_the_median_and_pictures_their_own_pixels() -> None:
    assert median_spacing(look((320, 320, 20), (0.6, 0.6, 3.6)), room(3))[0] == {"spacing": [0.6, 0.6, 3.6]}
    assert median_spacing(look((300, 200), (0.1, 0.1)), room(2))[0] == {}


def test_size_on_the_grid() -> None:
    seen = look((100, 100, 20), (0.5, 0.5, 3.0))
    for spec, size in (
        (Preprocess(dimensions=3, spacing=[1.0, 1.0, 3.0], intensity=GREY), [50, 50, 20]),
        (Preprocess(dimensions=3, size=[28, 28, 28], intensity=GREY), [28, 28, 28]),
        (Preprocess(dimensions=3, intensity=GREY), [100, 100, 20]),
    ):
        assert grid_size(seen, spec) == size
