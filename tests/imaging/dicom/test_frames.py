"""Frames without a place (cine), dose, and what the modalities add: ultrasound, mammography."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset, FileDataset, Sequence

from overread.errors import InputError
from overread.imaging.dicom.series import read_datasets

Make = Callable[..., FileDataset]
NOWHERE = {"ImageOrientationPatient": None, "ImagePositionPatient": None, "PixelSpacing": None}


def region(**changes: object) -> Dataset:
    out = Dataset()
    values = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionLocationMinX0": 10,
        "RegionLocationMinY0": 20,
        "RegionLocationMaxX1": 100,
        "RegionLocationMaxY1": 90,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.02,
        "PhysicalDeltaY": -0.03,
    }
    for keyword, value in (values | changes).items():
        setattr(out, keyword, value)
    return out


def cine(make: Make, frames: np.ndarray, **attributes: object) -> FileDataset:
    ds = make(0, frames[0], **{**NOWHERE, "Modality": "US", "NumberOfFrames": len(frames), **attributes})
    ds.PixelData = frames.tobytes()
    return ds


@pytest.mark.parametrize(
    ("attributes", "times"),
    [
        ({"FrameTime": 40.0}, (0.0, 40.0, 80.0)),
        ({"FrameTimeVector": [0.0, 30.0, 50.0]}, (0.0, 30.0, 80.0)),
        ({"CineRate": 20}, (0.0, 50.0, 100.0)),
        ({}, None),
    ],
)
def test_ultrasound_cine(make_slice: Make, attributes, times) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3)).astype(np.uint8)
    ds = cine(make_slice, frames, SequenceOfUltrasoundRegions=Sequence([region()]), **attributes)
    image = read_datasets([ds])
    np.testing.assert_array_equal(image.array, frames.transpose(3, 2, 1, 0))
    assert image.source["last_axis"] == ("time" if times else "frame")
    assert image.source.get("frame_times_ms") == times
    assert image.spacing[:2] == pytest.approx((0.2, 0.3))
    assert image.source["ultrasound_regions"] == (
        {"format": "2D", "box": (10, 20, 100, 90), "units": ("cm", "cm"), "per_pixel": (0.02, -0.03)},
    )
    assert "no plane positions" in image.notes[0]


def test_regions_that_differ_give_no_spacing(make_slice: Make) -> None:
    pixels = np.zeros((4, 6), np.uint8)
    doppler = region(RegionSpatialFormat=3, PhysicalUnitsXDirection=4, PhysicalUnitsYDirection=7)
    one = make_slice(
        0, pixels, **NOWHERE, Modality="US", SequenceOfUltrasoundRegions=Sequence([region(), doppler])
    )
    image = read_datasets([one])
    assert image.spacing == pytest.approx((0.3, 0.2))
    assert image.source["ultrasound_regions"][1]["units"] == ("s", "cm/s")
    one.SequenceOfUltrasoundRegions.append(region(PhysicalDeltaX=0.01))
    assert read_datasets([one]).source["spacing_known"] is False


def test_too_many_frames_are_refused_before_they_are_made(make_slice: Make) -> None:
    ds = make_slice(0, **NOWHERE, NumberOfFrames=2_000_000_000)
    with pytest.raises(InputError, match="cannot hold 2000000000 frames"):
        read_datasets([ds])


def dose(make: Make, offsets: list[float], **attributes: object) -> tuple[FileDataset, np.ndarray]:
    frames = np.random.default_rng(5).integers(0, 60000, (len(offsets), 4, 5)).astype(np.uint16)
    values = {
        "Modality": "RTDOSE",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.2",
        "NumberOfFrames": len(offsets),
        "GridFrameOffsetVector": offsets,
        "DoseGridScaling": 0.001,
        "DoseUnits": "GY",
        "ImagePositionPatient": [-5.0, 7, 30],
    }
    ds = make(0, frames[0], **{**values, **attributes})
    ds.PixelData = frames.tobytes()
    return ds, frames


@pytest.mark.parametrize("offsets", [[0.0, 2.5, 5], [0.0, -2.5, -5], [30.0, 32.5, 35]])
def test_dose_is_in_gray_and_in_place(make_slice: Make, offsets: list[float]) -> None:
    ds, frames = dose(make_slice, offsets)
    image = read_datasets([ds])
    order = np.argsort(offsets)
    np.testing.assert_allclose(image.array[0], frames[order].transpose(2, 1, 0) * 0.001, rtol=1e-6)
    z = sorted(o if offsets[0] else 30 + o for o in offsets)
    for k in range(3):
        np.testing.assert_allclose(image.affine @ [1, 2, k, 1], [5 - 0.6, -7 - 1.6, z[k], 1], atol=1e-6)
    assert image.source["DoseUnits"] == "GY"


def test_dose_without_places_is_refused(make_slice: Make) -> None:
    with pytest.raises(InputError, match="GridFrameOffsetVector"):
        read_datasets([dose(make_slice, [0.0, 1], GridFrameOffsetVector=None)[0]])
    with pytest.raises(InputError, match="begins with 12"):
        read_datasets([dose(make_slice, [12.0, 13])[0]])


def test_uneven_dose_planes_are_resampled(make_slice: Make) -> None:
    image = read_datasets([dose(make_slice, [0.0, 2, 4, 7])[0]])
    assert "uneven slice spacing" in image.notes[0]


def test_reconstructed_nuclear_medicine(make_slice: Make) -> None:
    frames = np.random.default_rng(0).integers(0, 99, (3, 4, 5)).astype(np.uint16)
    detector = Dataset()
    detector.ImagePositionPatient = [1.0, 2, 3]
    detector.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds = cine(
        make_slice,
        frames,
        Modality="NM",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.20",
        PixelSpacing=[2.0, 2.0],
        SpacingBetweenSlices=4.0,
        DetectorInformationSequence=Sequence([detector]),
    )
    ds.add_new("FrameIncrementPointer", "AT", 0x00540080)
    image = read_datasets([ds])
    np.testing.assert_array_equal(image.array[0], frames.transpose(2, 1, 0))
    np.testing.assert_allclose(image.affine @ [1, 0, 2, 1], [-3, -2, 11, 1])
    assert "last_axis" not in image.source


def test_mammogram(make_slice: Make) -> None:
    view, modifier = Dataset(), Dataset()
    view.CodeMeaning, modifier.CodeMeaning = "medio-lateral oblique", "Implant displaced"
    view.ViewModifierCodeSequence = Sequence([modifier])
    image = read_datasets(
        [
            make_slice(
                0,
                **NOWHERE,
                Modality="MG",
                ImageLaterality="R",
                ViewPosition="MLO",
                ViewCodeSequence=Sequence([view]),
                BreastImplantPresent="YES",
                PaddleDescription="SPOT",
                ImagerPixelSpacing=[0.1, 0.1],
                EstimatedRadiographicMagnificationFactor=1.6,
            )
        ]
    )
    assert image.source["ImageLaterality"] == "R"
    assert image.source["ViewPosition"] == "MLO"
    assert image.source["view"] == "medio-lateral oblique"
    assert image.source["view_modifiers"] == ("Implant displaced",)
    assert image.source["BreastImplantPresent"] == "YES"
    assert image.source["PaddleDescription"] == "SPOT"
    assert image.spacing == pytest.approx((0.0625, 0.0625))
    assert any("divided by EstimatedRadiographicMagnificationFactor 1.6" in note for note in image.notes)


def test_pixel_aspect_ratio(make_slice: Make) -> None:
    image = read_datasets([make_slice(0, **NOWHERE, PixelAspectRatio=[4, 3])])
    assert image.spacing == pytest.approx((4 / 3, 1.0))
    assert image.source["spacing_known"] is False
