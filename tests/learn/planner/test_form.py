"""Volumes are seen in 3D unless thickness, memory or the number of cases speaks against it."""

from __future__ import annotations

import pytest

from overread.learn.planner.form import choose_form

GIB = 2**30
CUBE = {"size": (64, 64, 64), "spacing": (1.0, 1.0, 1.0), "cases": 1000, "weights": True}


@pytest.mark.parametrize(
    ("changes", "form", "axis", "why"),
    [
        ({}, "3D", 2, "1000 training cases"),
        ({"spacing": (0.5, 0.5, 5.0)}, "2.5D", 2, "5 mm apart and voxels within them 0.5 mm"),
        ({"spacing": (4.0, 1.0, 1.0)}, "2.5D", 0, "4 mm apart"),
        ({"spacing": (1.0, 1.0, 2.5)}, "3D", 2, "2.5 times as far apart"),
        ({"cases": 80}, "2.5D", 2, "80 training cases are few"),
        ({"cases": 80, "weights": False}, "3D", 2, "80 training cases"),
        ({"bytes_3d": 9 * GIB, "available": 4 * GIB}, "2.5D", 2, "takes 9.0 GiB, and 4.0 GiB"),
        ({"bytes_3d": 3 * GIB, "available": 4 * GIB}, "3D", 2, "3D"),
        ({"size": (64, 64, 1)}, "2D", 2, "1 slice,"),
    ],
)
def test_the_reason_is_told(changes: dict, form: str, axis: int, why: str) -> None:
    found = choose_form(**(CUBE | changes))
    assert (found.form, found.axis) == (form, axis)
    assert why in found.reason and found.reason.startswith(form)
