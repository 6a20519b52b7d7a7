"""The measures of a label: in mm of the patient however the volume is stored, with the tuning cases' errors."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest

from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image
from overread.runtime.manifest import Calibration, Spread
from overread.runtime.measure import measure
from overread.runtime.measures import MEASURES, measure_faults

KEYS = [key for key, m in MEASURES.items() if 3 in m.axes]


def _bar() -> Image:
    """A bar of 20 x 6 x 30 mm (left-right, front-back, up-down)."""
    mask = np.zeros((60, 20, 12), np.float32)
    mask[10:30, 4:10, 1:11] = 1
    return Image(mask[None], np.array([[1.0, 0, 0, -15], [0, 1, 0, -13.5], [0, 0, 3, 0], [0, 0, 0, 1]]))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAL", "PIR"])
def test_they_do_not_depend_on_how_the_volume_is_stored(codes: str) -> None:
    image = reorient(_bar(), codes)
    found = {key: MEASURES[key].of(image.array[0] > 0, image) for key in KEYS}
    assert found["long_axis"] == pytest.approx(np.hypot(20, 5), abs=0.01)
    assert found["short_axis"] == pytest.approx(6.2, abs=0.4)
    assert found["max_diameter"] == pytest.approx(np.sqrt(19**2 + 5**2 + 30**2))
    assert [found[f"centroid_{k}"] for k in "xyz"] == pytest.approx([4.5, -7, 16.5])
    # Rounded off at the edges, a little less than the box.
    assert 0.93 < found["surface"] / (2 * (20 * 6 + 20 * 30 + 6 * 30)) < 1


def test_of_nothing_they_are_nothing_and_it_has_no_place() -> None:
    image = _bar()
    none = np.zeros(image.spatial, bool)
    assert {MEASURES[key].of(none, image) for key in KEYS} == {0.0, None}


def test_in_the_plane_lengths_are_pixels_where_no_file_says_more() -> None:
    y, x = np.mgrid[0:81, 0:81] - 40
    disk = (y**2 + x**2 <= 30**2).astype(np.uint8)
    m = manifest(
        task="segmentation",
        labels=["background", "head"],
        positive=None,
        measures={"head": ["circumference", "perimeter"]},
    )
    unknown = Image(np.zeros((1, 81, 81)), np.eye(4), source={"spacing_known": False})
    known = Image(np.zeros((1, 81, 81)), np.diag([0.5, 0.5, 1, 1]))
    for image, unit, scale in ((unknown, "{pixels}", 1.0), (known, "mm", 0.5)):
        _, around, line = measure(disk, image, m)
        assert (around.name, around.unit, line.unit) == ("circumference", unit, unit)
        assert around.value == pytest.approx(2 * np.pi * 30 * scale, rel=0.005)
        assert line.value == pytest.approx(2 * np.pi * 30 * scale, rel=0.08)


def test_intervals_follow_what_was_found_and_places_have_differences() -> None:
    image = _bar()
    spread = {"coverage": 0.9, "cases": 20}
    calibration = Calibration(
        measures={
            "bar": {
                "long_axis": [
                    Spread(low=0.5, high=2, found_to=1.0, **spread),
                    Spread(low=0.8, high=1.1, offset=1.0, found_from=1.0, **spread),
                ],
                "centroid_x": [Spread(low=-2, high=3, **spread)],
                "centroid_y": [Spread(low=-2, high=3, found_to=1.0, **spread)],
            }
        }
    )
    m = manifest(
        task="segmentation",
        labels=["background", "bar"],
        positive=None,
        measures={"bar": ["long_axis", "centroid_x", "centroid_y"]},
        calibration=calibration,
        preprocess={"dimensions": 3, "orientation": "RAS", "intensity": [{"method": "fixed"}]},
    )
    volume, long, x, y = measure((image.array[0] > 0).astype(np.uint8), image, m)
    assert volume.value == pytest.approx(3.6)  # ml, which is what the parts go by
    assert (long.low, long.high) == (
        pytest.approx(0.8 * (long.value + 1) - 1),
        pytest.approx(1.1 * (long.value + 1) - 1),
    )
    assert (x.low, x.high, x.confidence) == (pytest.approx(2.5), pytest.approx(7.5), 0.9)
    assert y.low is None and y.reason == "no tuning case in which as much was found"


def test_what_is_no_measure_is_refused() -> None:
    assert measure_faults({"bar": ["long_axis"]}, ["bar"], 3) == []
    assert "found label 'bow'" in measure_faults({"bow": []}, ["bar"], 3)[0]
    (fault,) = measure_faults({"bar": ["circumference"]}, ["bar"], 3)
    assert "found 'circumference', expected some of long_axis" in fault and "in 3D" in fault
    assert measure_faults({"bar": ["surface", "surface"]}, ["bar"], 3) == [
        "measures: bar: a name stands twice"
    ]
