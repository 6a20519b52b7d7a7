"""Every file that pydicom, pydicom-data and pynetdicom carry, and every reference object: right pixels, or InputError.

The expected pixels are pydicom's `pixel_array` with its look-up tables, turned to MONOCHROME2 by plain arithmetic.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pydicom
import pynetdicom
import pytest
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

from overread.errors import InputError
from overread.imaging.read import read

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
REFUSED = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "the compressed image is 1024 x 3722445056",
    "MR_truncated.dcm": "pixel data is truncated: 8130 of 8192 bytes",
    "badVR.dcm": "NumberOfFrames is '1A'",
    "liver_1frame.dcm": "has 1 frames but 3 per-frame functional groups",
    "liver_expb_1frame.dcm": "has 1 frames but 3 per-frame functional groups",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "has no pixel data",
    "meta_missing_tsyntax.dcm": "Rows is missing",
    "nested_priv_SQ.dcm": "Rows is missing",
    "sm_image": "is a Whole Slide image",
}
"""Files with pixels that are no image or no longer one, by the beginning of their name."""
MANY = 40


def folders() -> dict[str, Path]:
    found = {
        "pydicom": Path(pydicom.__file__).parent / "data",
        "pynetdicom": Path(pynetdicom.__file__).parent,
    }
    try:
        import data_store

        found["pydicom-data"] = Path(data_store.__file__).parent / "data"
    except ImportError:
        pass
    own = (
        Path(os.environ.get("OVERREAD_DATA", Path(__file__).parents[4] / "shared" / "data")) / "dicom_seg_sr"
    )
    return found | ({"reference": own} if own.is_dir() else {})


SKIPPED = {".py", ".pyc", ".pyi", ".json", ".txt", ".md", ".ini", ".nrrd", ".jpeg", ".zip"}
FILES = [
    pytest.param(path, id=f"{name}/{path.relative_to(folder)}")
    for name, folder in folders().items()
    for path in sorted(folder.rglob("*"))
    if path.is_file() and path.suffix not in SKIPPED
]


@pytest.fixture(autouse=True)
def quiet() -> object:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def some(frames: int) -> list[int]:
    return [0, frames // 2, frames - 1]


def expected_frames(ds: pydicom.Dataset) -> np.ndarray:
    """(frames, rows, columns) modality values, or with RGB last, in the order of the frames' positions."""
    if Path(str(ds.filename)).name == "JPEG-lossy.dcm":
        # pydicom cannot decode this one; the next file has the same pixels with a sound header.
        ds = pydicom.dcmread(Path(str(ds.filename)).with_name("JPGExtended.dcm"))
    if "TransferSyntaxUID" not in ds.file_meta:
        ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    if int(ds.get("NumberOfFrames", 1) or 1) > MANY:
        # Decoding is slow: the first, one in the middle and the last will do.
        frames = np.stack([pixel_array(ds, index=k) for k in some(int(ds.NumberOfFrames))])
    else:
        frames = np.asarray(ds.pixel_array)
    colour = ds.SamplesPerPixel == 3
    if frames.ndim == (3 if colour else 2):
        frames = frames[None]
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(frames, ds)[..., :3]
    if colour:
        return frames
    if ds.PhotometricInterpretation == "MONOCHROME1":
        frames = ((1 << ds.BitsStored) - 1 - frames.astype(int)).astype(frames.dtype)
    if "ModalityLUTSequence" in ds:
        return apply_modality_lut(frames, ds)
    slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    groups = ds.get("PerFrameFunctionalGroupsSequence")
    if "SharedFunctionalGroupsSequence" in ds and ds.SharedFunctionalGroupsSequence:
        value = ds.SharedFunctionalGroupsSequence[0].get("PixelValueTransformationSequence")
        slope, intercept = (
            (float(value[0].RescaleSlope), float(value[0].RescaleIntercept)) if value else (1.0, 0.0)
        )
    if groups and "PixelValueTransformationSequence" in groups[0]:
        values = [g.PixelValueTransformationSequence[0] for g in groups]
        frames = np.stack(
            [
                f * float(v.RescaleSlope) + float(v.RescaleIntercept)
                for f, v in zip(frames, values, strict=True)
            ]
        )
    if groups and "PlanePositionSequence" in groups[0]:
        first = groups[0] if "PlaneOrientationSequence" in groups[0] else ds.SharedFunctionalGroupsSequence[0]
        axes = np.array(first.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
        places = [np.array(g.PlanePositionSequence[0].ImagePositionPatient, float) for g in groups]
        frames = frames[np.argsort(np.array(places) @ np.cross(*axes), kind="stable")]
    return frames * slope * float(ds.get("DoseGridScaling", 1)) + intercept


@pytest.mark.parametrize("path", FILES)
def test_right_pixels_or_our_refusal(path: Path) -> None:
    try:
        ds = pydicom.dcmread(path, force=True)
        has_pixels = any(k in ds for k in ("PixelData", "FloatPixelData")) and "SOPClassUID" in ds
    except Exception:
        has_pixels = False
    reason = next((why for name, why in REFUSED.items() if path.name.startswith(name)), None)
    if reason is not None or not has_pixels:
        with pytest.raises(InputError, match=reason or ".") as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    image = read(path)
    if ds.SOPClassUID in SEGMENTATIONS:
        return  # test_dicom_seg.py compares these.
    array = np.moveaxis(image.array, 0, -1)
    found = array[None] if array.ndim == 3 else np.moveaxis(array.swapaxes(0, 1), 2, 0)
    if len(found) > MANY:
        found = found[some(len(found))]
    expected = expected_frames(ds)
    expected = expected if expected.ndim == 4 else expected[..., None]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_nothing_is_left_out() -> None:
    assert len(FILES) > 200
