"""What the reader can do without, the SEG can too: attributes missing or empty, and unusual kinds of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    OphthalmicPhotography8BitImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayAngiographicImageStorage,
)
from tests.clinic.outside import dicom_errors
from tests.clinic.results.made import RUN, given_mask, in_slice_order, objects
from tests.clinic.results.multiframe import write_enhanced
from tests.clinic.site import BRIGHT, SHAPE, write_segmenter, write_series

from overread.clinic.results.seg import make_seg
from overread.clinic.results.uids import derived_uid
from overread.errors import InputError
from overread.imaging.dicom.series import read_series

PRIVATE = "1.3.46.670589.2.5.1.1"


def change(files: list[Path], **attributes: Any) -> list[Path]:
    """The files with other values; None removes an attribute."""
    for path in files:
        ds = dcmread(path)
        for keyword, value in attributes.items():
            if value is None:
                if keyword in ds:
                    delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)
        if "SOPClassUID" in attributes:
            ds.file_meta.MediaStorageSOPClassUID = attributes["SOPClassUID"]
        ds.save_as(path, enforce_file_format=True)
    return files


def found_at(seg: Dataset) -> dict[float, int]:
    """Voxels of a SEG by the third coordinate of their slice."""
    groups = seg.PerFrameFunctionalGroupsSequence
    frames = seg.pixel_array.reshape(len(groups), seg.Rows, seg.Columns)
    return {
        float(g.PlanePositionSequence[0].ImagePositionPatient[2]): int(f.sum())
        for f, g in zip(frames, groups, strict=True)
    }


def measures(seg: Dataset) -> Dataset:
    return seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]


@pytest.mark.parametrize(
    "attributes",
    [
        {"SliceThickness": None},
        {"SliceThickness": ""},
        {"SliceThickness": "0"},
        {"FrameOfReferenceUID": None},
        {"FrameOfReferenceUID": ""},
        {"SliceThickness": None, "FrameOfReferenceUID": None, "PositionReferenceIndicator": None},
        {"SpacingBetweenSlices": ""},
        {"PositionReferenceIndicator": None, "Manufacturer": None, "StudyID": None, "SeriesNumber": None},
        {"PatientID": None, "PatientName": None, "StudyDate": "", "ReferringPhysicianName": None},
        {"SOPClassUID": CTImageStorage, "Modality": "CT"},
        {"SOPClassUID": SecondaryCaptureImageStorage},
        {"SOPClassUID": PRIVATE},
        {"PatientIdentityRemoved": "YES", "DeidentificationMethod": ""},
        {"PatientIdentityRemoved": "YES"},
        {"SpecificCharacterSet": None, "PatientName": "A^B", "Laterality": ""},
    ],
    ids=lambda a: ",".join(f"{k}={v}" for k, v in a.items()),
)
def test_a_series_that_leaves_something_out(tmp_path: Path, attributes: dict[str, Any]) -> None:
    files = change(write_series(tmp_path / "in"), **attributes)
    made = objects(write_segmenter(tmp_path / "p.overread"), files, tmp_path)
    assert dicom_errors(made["seg"]) == []
    assert dicom_errors(made["sr"]) == []
    seg = dcmread(made["seg"])
    assert found_at(seg) == {3.0: 12, 6.0: 12, 9.0: 12}
    assert float(measures(seg).SliceThickness) == 3.0
    assert [float(v) for v in measures(seg).PixelSpacing] == [1.0, 2.0]
    frame = attributes.get("FrameOfReferenceUID", "1.2.3.9")
    assert seg.FrameOfReferenceUID == (frame or derived_uid("1.2.3.1", "frame of reference"))
    kind = attributes.get("SOPClassUID", MRImageStorage)
    sources = [
        g.DerivationImageSequence[0].SourceImageSequence[0] for g in seg.PerFrameFunctionalGroupsSequence
    ]
    assert {s.ReferencedSOPClassUID for s in sources} == {kind}
    listed = seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert {s.ReferencedSOPClassUID for s in listed} == {kind} and len(listed) == SHAPE[2]


def test_orientations_that_differ_by_rounding(tmp_path: Path) -> None:
    files = write_series(tmp_path / "in")
    for k, path in enumerate(files):
        change([path], ImageOrientationPatient=["1", f"{k * 1e-6:.6f}", "0", "0", "1", "0"])
    made = objects(write_segmenter(tmp_path / "p.overread"), files, tmp_path)
    assert dicom_errors(made["seg"]) == []
    assert found_at(dcmread(made["seg"])) == {3.0: 12, 6.0: 12, 9.0: 12}


@pytest.mark.parametrize("where", ["shared", "per frame", "no thickness", "no frame of reference"])
def test_frames_that_keep_their_geometry_elsewhere(tmp_path: Path, where: str) -> None:
    path = write_enhanced(tmp_path / "enhanced.dcm", [3, 0, 5, 1, 4, 2])
    ds = dcmread(path)
    shared = ds.SharedFunctionalGroupsSequence[0]
    if where == "per frame":
        for group in ds.PerFrameFunctionalGroupsSequence:
            group.PlaneOrientationSequence = shared.PlaneOrientationSequence
            group.PixelMeasuresSequence = shared.PixelMeasuresSequence
        del shared.PlaneOrientationSequence
        del shared.PixelMeasuresSequence
    elif where == "no thickness":
        del shared.PixelMeasuresSequence[0].SliceThickness
    elif where == "no frame of reference":
        del ds.FrameOfReferenceUID
    ds.save_as(path, enforce_file_format=True)
    made = objects(write_segmenter(tmp_path / "p.overread"), [path], tmp_path)
    assert dicom_errors(made["seg"]) == []
    seg = dcmread(made["seg"])
    assert found_at(seg) == {3.0: 12, 6.0: 12, 9.0: 12}
    assert float(measures(seg).SliceThickness) == 3.0


def one_picture(tmp_path: Path, **attributes: Any) -> tuple[Path, np.ndarray]:
    source = change(write_series(tmp_path / "in", slices=1, start=2), **attributes)[0]
    mask = np.zeros(read_series([source]).spatial, np.uint8)
    mask[2:5, 3:7] = 1
    return source, mask


@pytest.mark.parametrize(
    ("attributes", "placed"),
    [
        ({"SliceThickness": None}, False),
        ({"SliceThickness": None, "SpacingBetweenSlices": "4"}, True),
        ({"SliceThickness": "", "FrameOfReferenceUID": None}, False),
        (
            {"SOPClassUID": DigitalXRayImageStorageForPresentation, "Modality": "DX", "SliceThickness": None},
            False,
        ),
        ({"PixelSpacing": None}, False),
        ({"ImagePositionPatient": None}, False),
        ({"ImagePositionPatient": None, "ImageOrientationPatient": None, "PixelSpacing": None}, False),
        (
            {
                "SOPClassUID": OphthalmicPhotography8BitImageStorage,
                "Modality": "OP",
                "NumberOfFrames": "1",
                "ImagePositionPatient": None,
                "ImageOrientationPatient": None,
                "PixelSpacing": None,
            },
            False,
        ),
        (
            {"SOPClassUID": XRayAngiographicImageStorage, "Modality": "XA", "ImagePositionPatient": None},
            False,
        ),
        ({"SOPClassUID": UltrasoundMultiFrameImageStorage, "Modality": "US", "NumberOfFrames": "1"}, True),
        ({"SOPClassUID": PRIVATE, "ImagePositionPatient": None}, False),
    ],
    ids=str,
)
def test_one_picture_that_leaves_something_out(
    tmp_path: Path, attributes: dict[str, Any], placed: bool
) -> None:
    source, mask = one_picture(tmp_path, **attributes)
    package = write_segmenter(tmp_path / "p.overread")
    made = objects(package, [source], tmp_path, given_mask(mask))
    assert dicom_errors(made["seg"]) == []
    assert dicom_errors(made["sr"]) == []
    seg = dcmread(made["seg"])
    assert ("FrameOfReferenceUID" in seg) == placed
    assert np.array_equal(np.squeeze(seg.pixel_array), np.squeeze(mask))
    item = seg.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert item.ReferencedSOPClassUID == attributes.get("SOPClassUID", MRImageStorage)


def test_frames_without_a_place_are_refused_in_words(tmp_path: Path) -> None:
    source, _ = one_picture(tmp_path)
    ds = dcmread(source)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    ds.NumberOfFrames = 3
    ds.PixelData = ds.PixelData * 3
    ds.save_as(source, enforce_file_format=True)
    package = write_segmenter(tmp_path / "p.overread")
    image, files, headers = in_slice_order([source])
    mask = np.zeros(image.spatial, np.uint8)
    mask[BRIGHT[0], BRIGHT[1], 1] = 1
    with pytest.raises(InputError, match="3 frames without position"):
        make_seg(mask, package, files, headers, RUN)


def test_a_value_that_cannot_be_read_costs_no_object(tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", SliceLocation="123", EchoTime="10")
    for path in files:
        content = path.read_bytes()
        # A decimal string that is none, of the same length.
        assert content.count(b"123 ") == 1
        path.write_bytes(content.replace(b"123 ", b"x;y "))
    made = objects(write_segmenter(tmp_path / "p.overread"), files, tmp_path)
    assert found_at(dcmread(made["seg"])) == {3.0: 12, 6.0: 12, 9.0: 12}
    assert dicom_errors(made["sr"]) == []


def test_stand_ins_leave_the_headers_as_they_are(tmp_path: Path) -> None:
    files = write_series(tmp_path / "in")
    _, files, headers = in_slice_order(files)
    before = [dict(h.items()) for h in headers]
    mask = np.zeros(SHAPE, np.uint8)
    mask[BRIGHT] = 1
    make_seg(mask, write_segmenter(tmp_path / "p.overread"), files, headers, RUN)
    assert [h.SOPClassUID for h in headers] == [MRImageStorage] * len(headers)
    assert [h.PatientID for h in headers] == ["P1"] * len(headers)
    assert [sorted(h.keys()) for h in headers] == [sorted(b) for b in before]
