"""Colour of compressed frames is decided by what was decoded; pages beyond the header's count are told."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom import Dataset, FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    UltrasoundImageStorage,
)

from overread.errors import InputError
from overread.imaging.dicom.codestream import has_colour_transform
from overread.imaging.dicom.series import read_datasets

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
COLOUR = (200, 40, 90)
PICTURE = np.full((16, 16, 3), COLOUR, np.uint8)
PAGES = np.random.default_rng(0).integers(0, 255, (3, 20, 30)).astype(np.uint8)


def stream(kind: str, array: np.ndarray = PICTURE, **options: Any) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(array).save(file, kind, **options)
    return file.getvalue()


def dataset(syntax: UID, photometric: str, array: np.ndarray, data: bytes, **more: Any) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    ds = FileDataset("us.dcm", {}, file_meta=meta, preamble=bytes(128))
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = UltrasoundImageStorage, "1.2.3", "1.2.4"
    ds.Modality, ds.PhotometricInterpretation = "US", photometric
    ds.SamplesPerPixel = 3 if array.ndim == 3 else 1
    if array.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = array.shape[:2]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = data
    ds["PixelData"].VR = "OB"
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


JPEG = stream("JPEG", quality=95)
TRANSFORMED = stream("JPEG2000", irreversible=False, mct=1, no_jp2=True)
PLAIN = stream("JPEG2000", irreversible=False, mct=0, no_jp2=True)
IRREVERSIBLE = stream("JPEG2000", irreversible=True, mct=1, no_jp2=True)


@pytest.mark.parametrize(
    ("syntax", "content", "photometric", "noted"),
    [
        (JPEGBaseline8Bit, JPEG, "YBR_FULL_422", False),
        (JPEGBaseline8Bit, JPEG, "YBR_FULL", False),
        (JPEGBaseline8Bit, JPEG, "RGB", False),
        (JPEGBaseline8Bit, JPEG, "YBR_PARTIAL_420", True),
        (JPEGBaseline8Bit, JPEG, "YBR_PARTIAL_422", True),
        (JPEGBaseline8Bit, JPEG, "YBR_ICT", True),
        (JPEGBaseline8Bit, JPEG, "YBR_RCT", True),
        (JPEG2000Lossless, TRANSFORMED, "YBR_RCT", False),
        (JPEG2000Lossless, TRANSFORMED, "RGB", False),
        (JPEG2000Lossless, TRANSFORMED, "YBR_FULL", True),
        (JPEG2000Lossless, TRANSFORMED, "YBR_PARTIAL_420", True),
        (JPEG2000, IRREVERSIBLE, "YBR_ICT", False),
        (JPEG2000, IRREVERSIBLE, "YBR_FULL_422", True),
        (JPEG2000Lossless, PLAIN, "RGB", False),
        (JPEG2000Lossless, PLAIN, "YBR_RCT", True),
    ],
)
def test_colour_is_that_of_the_stream(syntax: UID, content: bytes, photometric: str, noted: bool) -> None:
    image = read_datasets([dataset(syntax, photometric, PICTURE, encapsulate([content]))])
    assert np.abs(image.array[:, 8, 8].astype(int) - COLOUR).max() <= 2
    assert any(photometric in note for note in image.notes) == noted


@pytest.mark.parametrize("photometric", ["YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT"])
def test_uncompressed_colours_that_nothing_makes_rgb(photometric: str) -> None:
    with pytest.raises(InputError, match=f"{photometric}|truncated"):
        read_datasets([dataset(ExplicitVRLittleEndian, photometric, PICTURE, PICTURE.tobytes())])


def test_colour_transform_by_the_header() -> None:
    assert has_colour_transform(TRANSFORMED) is True and has_colour_transform(PLAIN) is False
    assert has_colour_transform(stream("JPEG2000", irreversible=False, mct=1)) is True
    assert has_colour_transform(JPEG) is None and has_colour_transform(b"") is None
    assert has_colour_transform(TRANSFORMED[:20]) is None


def compressed(kind: str) -> tuple[UID, bytes]:
    if kind == "native":
        return ExplicitVRLittleEndian, PAGES.tobytes()
    if kind == "RLE":
        options = {
            "rows": 20,
            "columns": 30,
            "samples_per_pixel": 1,
            "number_of_frames": 1,
            "bits_allocated": 8,
        }
        options |= {"bits_stored": 8, "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2"}
        frames = [RLELosslessEncoder.encode(p.tobytes(), encoding_plugin="pydicom", **options) for p in PAGES]
        return RLELossless, encapsulate(frames, has_bot=False)
    frames = [stream("JPEG2000", p, no_jp2=True) for p in PAGES]
    return JPEG2000Lossless, encapsulate(frames, has_bot=kind == "table")


@pytest.mark.parametrize("kind", ["native", "RLE", "table", "fragments"])
@pytest.mark.parametrize(("stated", "read"), [(None, 1), (1, 1), (2, 2), (3, 3)])
def test_pages_beyond_the_count_are_told(kind: str, stated: int | None, read: int) -> None:
    syntax, data = compressed(kind)
    more: dict[str, Callable[..., Any] | int] = {} if stated is None else {"NumberOfFrames": stated}
    ds = dataset(syntax, "MONOCHROME2", PAGES[0], data, **more)
    if (kind, stated) == ("RLE", 2):
        # Without a table nothing says which of three fragments make up two frames.
        with pytest.raises(InputError, match="2 frames"):
            read_datasets([ds])
        return
    image = read_datasets([ds])
    pages = image.array[0] if read == 1 else np.moveaxis(image.array[0], 2, 0).swapaxes(1, 2)
    np.testing.assert_array_equal(pages, PAGES[0] if read == 1 else PAGES[:read])
    assert any("NumberOfFrames" in note for note in image.notes) == (read < 3)


def test_padding_is_not_left_over() -> None:
    odd = PAGES[0, :3, :3]
    image = read_datasets([dataset(ExplicitVRLittleEndian, "MONOCHROME2", odd, odd.tobytes() + b"\0")])
    assert not any("pixel data" in note for note in image.notes)


def test_one_frame_in_several_fragments() -> None:
    data = encapsulate([stream("JPEG2000", PAGES[0], no_jp2=True)], fragments_per_frame=3, has_bot=False)
    image = read_datasets([dataset(JPEG2000Lossless, "MONOCHROME2", PAGES[0], data)])
    np.testing.assert_array_equal(image.array[0], PAGES[0])
    assert not any("frames" in note for note in image.notes)
