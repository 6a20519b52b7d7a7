"""Volumes, areas and counts in the units of the image, with the tuning cases' errors."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest

from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.runtime.answer import Measurement
from overread.runtime.manifest import Calibration, Spread
from overread.runtime.measure import count_components, count_objects, measure


def test_without_a_known_spacing_areas_are_in_pixels() -> None:
    mask = np.zeros((9, 9), np.uint8)
    mask[2:5, 2:6] = 1
    m = manifest(task="segmentation", labels=["background", "spot"], positive=None)
    unknown = Image(np.zeros((1, 9, 9)), np.eye(4), source={"spacing_known": False})
    known = Image(np.zeros((1, 9, 9)), np.diag([0.5, 0.5, 1, 1]))
    assert [(x.value, x.unit) for x in (*measure(mask, unknown, m), *measure(mask, known, m))] == [
        (12, "{pixels}"),
        (3, "mm2"),
    ]


def test_diagonal_neighbours_are_one_part() -> None:
    assert count_components(np.eye(4, dtype=bool)) == 1
    stray = np.eye(4, dtype=bool) | np.array([[0, 0, 0, 1]] + [[0] * 4] * 3, bool)
    assert (count_components(stray), count_components(stray, smallest=1)) == (1, 2)
    cube = np.zeros((3, 3, 3), bool)
    cube[0, 0, 0] = cube[2, 2, 2] = True
    assert count_components(cube, smallest=1) == 2


def test_a_line_of_voxels_has_parts() -> None:
    """Of bool volumes one voxel wide and high cc3d 4.1 raises."""
    assert count_components(np.array([True, False, True]).reshape(3, 1, 1), smallest=1) == 2


def test_objects_are_counted_label_by_label() -> None:
    boxes = Boxes.of(np.zeros((3, 2)), np.ones((3, 2)), [2, 0, 2], axes=2)
    error = Spread(low=-3, high=1, coverage=0.9, cases=20)
    counts = count_objects(boxes, ["a", "b", "c"], Calibration(count_difference={"c": error}))
    assert [(m.label, m.name, m.value, m.unit) for m in counts] == [
        ("a", "count", 1, "1"),
        ("b", "count", 0, "1"),
        ("c", "count", 2, "1"),
    ]
    assert (counts[2].low, counts[2].high, counts[2].confidence) == pytest.approx((0, 3, 0.9))
    assert counts[0].low is None


def test_intervals_are_those_of_what_was_found() -> None:
    parts = [
        Spread(low=-0.0, high=0.5, coverage=0.9, cases=10, found_to=1),
        Spread(low=-1, high=1, coverage=0.8, cases=10, found_from=1, found_to=3),
    ]
    calibration = Calibration(
        count_differences={"a": parts},
        count_difference={"a": Spread(low=-9, high=9, coverage=0.9, cases=20)},
        reasons={"b": "5 tuning patients, 9 are needed"},
    )

    def counted(n: int) -> Measurement:
        boxes = Boxes.of(np.zeros((n, 2)), np.ones((n, 2)), [0] * n, axes=2)
        return count_objects(boxes, ["a", "b"], calibration)[0]

    assert [(counted(n).low, counted(n).high, counted(n).confidence) for n in (0, 1, 2)] == [
        (0, 0.5, 0.9),
        (0, 2, 0.8),
        (1, 3, 0.8),
    ]
    beyond = counted(3)
    assert beyond.low is None and beyond.reason == "no tuning case in which as much was found"
    none = count_objects(Boxes.of([], [], [], axes=2), ["a", "b"], calibration)[1]
    assert none.low is None and none.reason == "5 tuning patients, 9 are needed"
