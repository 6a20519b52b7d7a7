"""Planes: where the corners of pixels lie in the patient, and which frame of which object shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from tests.clinic.results.made import in_slice_order
from tests.clinic.results.multiframe import write_enhanced
from tests.clinic.site import write_series

from overread.clinic.results.planes import planes_of
from overread.errors import InputError


def test_corner_of_the_first_pixel(tmp_path: Path) -> None:
    _, _, headers = in_slice_order(write_series(tmp_path))
    planes = planes_of(headers)
    assert [p.frame for p in planes] == [None] * 6
    assert {p.frame_of_reference for p in planes} == {"1.2.3.9"}
    # The first pixel's middle lies at -5, -9; columns are 2 mm apart, rows 1 mm.
    corners = planes[4].in_patient(np.array([[0, 0], [0.5, 0.5], [12, 10]]))
    assert corners.tolist() == [[-6, -9.5, 12], [-5, -9, 12], [18, 0.5, 12]]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_frames_follow_their_place(tmp_path: Path, order: list[int]) -> None:
    planes = planes_of([dcmread(write_enhanced(tmp_path / "e.dcm", order))])
    assert [p.frame for p in planes] == [order.index(k) + 1 for k in range(3)]
    assert [float(p.in_patient(np.zeros((1, 2)))[0, 2]) for p in planes] == [0, 3, 6]


def test_one_frame_needs_no_number(tmp_path: Path) -> None:
    [plane] = planes_of([dcmread(write_enhanced(tmp_path / "e.dcm", [1]))])
    assert plane.frame is None
    assert plane.in_patient(np.array([[0.5, 0.5]])).tolist() == [[-5, -9, 3]]


def test_frames_without_place_keep_their_order(tmp_path: Path) -> None:
    header = dcmread(write_series(tmp_path, slices=1)[0], stop_before_pixels=True)
    header.NumberOfFrames = 3
    planes = planes_of([header])
    assert [p.frame for p in planes] == [1, 2, 3]
    assert [p.frame_of_reference for p in planes] == [""] * 3
    with pytest.raises(ValueError, match="no place"):
        planes[1].in_patient(np.zeros((1, 2)))


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_what_is_missing_leaves_no_place(tmp_path: Path, keyword: str) -> None:
    header = dcmread(write_series(tmp_path, slices=1)[0], stop_before_pixels=True)
    delattr(header, keyword)
    assert planes_of([header])[0].frame_of_reference == ""


def test_damaged_numbers_are_named(tmp_path: Path) -> None:
    header = dcmread(write_series(tmp_path, slices=1)[0], stop_before_pixels=True)
    header.ImagePositionPatient = [1, 2]
    with pytest.raises(InputError, match="ImagePositionPatient"):
        planes_of([header])
