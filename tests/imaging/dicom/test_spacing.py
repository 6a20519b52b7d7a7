"""The best attribute that tells how far apart pixels lie, and the sentence about it."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom import Dataset

from overread.errors import InputError
from overread.imaging.dicom.spacing import pixel_spacing


def region(**changes: Any) -> Dataset:
    ds = Dataset()
    values = {
        "RegionSpatialFormat": 1, "PhysicalUnitsXDirection": 3, "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.02, "PhysicalDeltaY": -0.03,
    }  # fmt: skip
    for keyword, value in (values | changes).items():
        setattr(ds, keyword, value)
    return ds


def of(**attributes: Any) -> Any:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return pixel_spacing(ds, ds, "a.dcm")


@pytest.mark.parametrize(
    ("attributes", "mm", "note"),
    [
        ({"PixelSpacing": [0.5, 0.25]}, (0.5, 0.25), ""),
        ({"PixelSpacing": [0.5, 0.25], "ImagerPixelSpacing": [1, 1]}, (0.5, 0.25), ""),
        ({"PixelSpacing": [1, 1], "PixelSpacingCalibrationType": "FIDUCIAL"}, (1, 1), "known size"),
        ({"PixelSpacing": [1, 1], "PixelSpacingCalibrationType": "GEOMETRY"}, (1, 1), "magnification"),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, (0.1, 0.2), "at the detector, not in the patient"),
        (
            {"ImagerPixelSpacing": [0.1, 0.2], "EstimatedRadiographicMagnificationFactor": 2},
            (0.05, 0.1),
            "divided by",
        ),
        (
            {"ImagerPixelSpacing": [0.1, 0.2], "EstimatedRadiographicMagnificationFactor": 0},
            (0.1, 0.2),
            "not in the patient",
        ),
        ({"NominalScannedPixelSpacing": [0.05, 0.05]}, (0.05, 0.05), "digitised film"),
        ({"PixelSpacing": [0, 1], "ImagerPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "not positive"),
        ({"SequenceOfUltrasoundRegions": [region(), region()]}, (0.3, 0.2), "calibrated in cm"),
        ({"SequenceOfUltrasoundRegions": [region(), region(PhysicalDeltaX=0.05)]}, None, ""),
        ({"SequenceOfUltrasoundRegions": [region(PhysicalUnitsXDirection=4)]}, None, ""),
        ({"SequenceOfUltrasoundRegions": [region(RegionSpatialFormat=2)]}, None, ""),
        ({}, None, ""),
    ],
)
def test_spacing(attributes: dict[str, Any], mm: tuple[float, float] | None, note: str) -> None:
    found = of(**attributes)
    assert found.mm == (None if mm is None else pytest.approx(mm))
    assert note in " ".join(found.notes) and (note or not found.notes)


def test_aspect_ratio_alone() -> None:
    assert of(PixelAspectRatio=[4, 3]).aspect == pytest.approx(4 / 3)
    assert of(PixelAspectRatio=[0, 3]).aspect == of(PixelAspectRatio=[2, 2]).aspect == 1


def test_damaged() -> None:
    with pytest.raises(InputError, match=r"a\.dcm: PixelSpacing is .*expected 2"):
        of(PixelSpacing=[1, 1, 1])
