"""Comments and EXIF inside compressed pixels go; the samples stay."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

from overread.deidentify import Key, deidentify_dataset
from overread.deidentify.comments import clear_comments, without_comments
from overread.imaging.dicom.series import read_datasets

PICTURE = np.random.default_rng(0).integers(0, 255, (16, 24)).astype(np.uint8)
SECRET = b"Zwyxelburg, 4 May 1961"


def stream(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(PICTURE).save(file, kind, **options)
    return file.getvalue()


def exif() -> bytes:
    tags = Pillow.Exif()
    tags[0x013B] = SECRET.decode()
    return stream("JPEG", exif=tags, comment=SECRET)


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


PROGRESSIVE = stream("JPEG", progressive=True, comment=SECRET)
PLAIN = stream("JPEG")
J2K = stream("JPEG2000", no_jp2=True)
JP2 = stream("JPEG2000")


def with_secret(kind: str) -> bytes:
    match kind:
        case "EXIF and comment":
            return exif()
        case "progressive":
            return PROGRESSIVE
        case "thumbnail":
            return PLAIN[:2] + segment(0xE0, b"JFXX\0" + SECRET) + PLAIN[2:]
        case "behind the end":
            return PLAIN + SECRET
        case "JPEG 2000":
            at = 2 + 2 + int.from_bytes(J2K[4:6], "big")
            return J2K[:at] + segment(0x64, b"\0\1" + SECRET) + J2K[at:]
        case _:
            at = 12 + int.from_bytes(JP2[12:16], "big")
            return JP2[:at] + struct.pack(">I", 8 + len(SECRET)) + b"xml " + SECRET + JP2[at:]


KINDS = ["EXIF and comment", "progressive", "thumbnail", "behind the end", "JPEG 2000", "JP2"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_secret_goes_and_the_picture_stays(kind: str) -> None:
    whole = with_secret(kind)
    assert SECRET in whole
    cleared = without_comments(whole)
    assert SECRET not in cleared
    before, after = (np.asarray(Pillow.open(io.BytesIO(s))) for s in (whole, cleared))
    np.testing.assert_array_equal(before, after)
    assert without_comments(cleared) == cleared


@pytest.mark.parametrize("content", [PLAIN, J2K, JP2], ids=["JPEG", "JPEG 2000", "JP2"])
def test_streams_without_comments_stay(content: bytes) -> None:
    assert without_comments(content) == content


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_streams_never_raise(kind: str) -> None:
    whole = with_secret(kind)
    rng = np.random.default_rng(1)
    for end in range(0, len(whole), 3):
        assert len(without_comments(whole[:end])) <= end + 2
    for _ in range(200):
        data = np.frombuffer(whole, np.uint8).copy()
        data[rng.integers(0, len(data), 3)] = rng.integers(0, 256, 3)
        without_comments(data.tobytes())


@pytest.mark.parametrize("table", ["none", "basic", "extended"])
@pytest.mark.parametrize("kind", ["EXIF and comment", "JPEG 2000"])
def test_data_sets(small: Callable[..., Dataset], kind: str, table: str) -> None:
    frames = [with_secret(kind), PLAIN if "EXIF" in kind else J2K]
    more: dict[str, Any] = {}
    if table == "extended":
        data, offsets, lengths = encapsulate_extended(frames)
        more = {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    else:
        data = encapsulate(frames, has_bot=table == "basic")
    source = small(
        Rows=16, Columns=24, BitsAllocated=8, BitsStored=8, HighBit=7, SamplesPerPixel=1, NumberOfFrames=2,
        PhotometricInterpretation="MONOCHROME2", PixelRepresentation=0, PixelData=data, **more,
    )  # fmt: skip
    source.file_meta.TransferSyntaxUID = JPEGBaseline8Bit if "EXIF" in kind else JPEG2000Lossless
    source["PixelData"].is_undefined_length = True
    new, changes = deidentify_dataset(source, Key(bytes(32)))
    assert "comments removed from the compressed stream" in {c.action for c in changes}
    assert SECRET not in new.PixelData and SECRET in source.PixelData
    assert "ExtendedOffsetTable" not in new
    assert len(list(generate_frames(new.PixelData, number_of_frames=2))) == 2
    for pair in zip(read_datasets([source]).array, read_datasets([new]).array, strict=True):
        np.testing.assert_array_equal(*pair)


def test_nothing_to_clear(small: Callable[..., Dataset]) -> None:
    source = small()
    assert not clear_comments(source, "file")
    source.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    source.PixelData = encapsulate([PLAIN])
    before = source.PixelData
    assert not clear_comments(source, "file") and source.PixelData == before
    source.PixelData = b"junk"
    assert not clear_comments(source, "file")
