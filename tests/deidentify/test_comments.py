"""Comments and EXIF inside compressed pixels go; the samples stay."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from overread.deidentify import Key, WithheldError, deidentify_dataset
from overread.deidentify.comments import clear_comments, without_comments
from overread.deidentify.streams.errors import OtherwiseBuiltError
from overread.deidentify.streams.rle import clean_rle
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
        case "every application segment":
            return PLAIN[:2] + b"".join(segment(m, b"X" + SECRET) for m in range(0xE0, 0xF0)) + PLAIN[2:]
        case "behind what is kept":
            kept = [(0xE0, PLAIN[6:20]), (0xEE, b"Adobe" + bytes(7)), (0xE2, b"ICC_PROFILE\0")]
            return PLAIN[:2] + b"".join(segment(m, c + SECRET) for m, c in kept) + PLAIN[20:]
        case "JPEG 2000":
            return in_main_header(J2K, segment(0x64, b"\0\1" + SECRET))
        case "JPEG 2000, behind the end":
            return J2K + SECRET
        case "JPEG 2000, encoder's own":
            return in_main_header(J2K, segment(0x64, b"\0\1Kakadu " + SECRET))
        case "JPEG 2000, tile-part":
            return in_tile_part(J2K, segment(0x64, b"\0\1" + SECRET))
        case "JP2 in two boxes":
            at = 12 + int.from_bytes(JP2[12:16], "big")
            long = struct.pack(">I4sQ", 1, b"uuid", 16 + len(SECRET)) + SECRET
            return JP2[:at] + struct.pack(">I", 8 + len(SECRET)) + b"free" + SECRET + long + JP2[at:]
        case "JP2, colour profile":
            return with_profile(JP2)
        case _:
            at = 12 + int.from_bytes(JP2[12:16], "big")
            return JP2[:at] + struct.pack(">I", 8 + len(SECRET)) + b"xml " + SECRET + JP2[at:]


def in_main_header(stream: bytes, more: bytes) -> bytes:
    at = 2 + 2 + int.from_bytes(stream[4:6], "big")
    return stream[:at] + more + stream[at:]


def in_tile_part(stream: bytes, more: bytes) -> bytes:
    at = stream.index(b"\xff\x90\0\x0a")
    length = int.from_bytes(stream[at + 6 : at + 10], "big") + len(more)
    return stream[: at + 6] + struct.pack(">I", length) + stream[at + 10 : at + 12] + more + stream[at + 12 :]


def with_profile(file: bytes) -> bytes:
    """The colour specification of a JP2 with an ICC profile in it, which holds the secret."""
    at = file.index(b"colr") - 4
    old = int.from_bytes(file[at : at + 4], "big")
    new = b"colr\2\0\0" + SECRET
    file = file[:at] + struct.pack(">I", len(new) + 4) + new + file[at + old :]
    head = file.index(b"jp2h") - 4
    size = int.from_bytes(file[head : head + 4], "big") + len(new) + 4 - old
    return file[:head] + struct.pack(">I", size) + file[head + 4 :]


KINDS = [
    *("EXIF and comment", "progressive", "thumbnail", "behind the end", "JPEG 2000", "JP2"),
    *("every application segment", "behind what is kept"),
    *("JPEG 2000, behind the end", "JPEG 2000, encoder's own", "JPEG 2000, tile-part"),
    *("JP2 in two boxes", "JP2, colour profile"),
]


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
    clean = without_comments(content)
    assert without_comments(clean) == clean
    if content == PLAIN:
        assert clean == content
    else:
        assert b"OpenJPEG" in content and b"OpenJPEG" not in clean


def test_reserved_segments_go() -> None:
    whole = PLAIN[:2] + b"".join(segment(m, SECRET) for m in (0x02, 0xBF, 0xF0, 0xFD)) + PLAIN[2:]
    assert without_comments(whole) == PLAIN


def test_streams_that_were_cut_short() -> None:
    """They are decoded as far as they go, so they stay, without their comments; no end is made up."""
    short = without_comments(J2K)[:-40]
    assert without_comments(short) == short
    scan = PLAIN[:2] + segment(0xFE, SECRET) + PLAIN[2:].removesuffix(b"\xff\xd9")
    assert without_comments(scan) == PLAIN.removesuffix(b"\xff\xd9")


def test_what_follows_a_tile_part_without_a_length_goes() -> None:
    """Psot 0: up to the end of codestream, of which there is one; a second one behind a text ends nothing."""
    at = J2K.index(b"\xff\x90\0\x0a")
    open_ended = J2K[: at + 6] + bytes(4) + J2K[at + 10 :]
    assert open_ended.endswith(b"\xff\xd9") and without_comments(open_ended) == without_comments(
        open_ended + SECRET + b"\xff\xd9"
    )
    assert SECRET not in without_comments(open_ended + SECRET + b"\xff\xd9")


def test_a_list_of_tile_parts_goes_with_what_it_lists() -> None:
    at = J2K.index(b"\xff\x90\0\x0a")
    listed = segment(0x55, struct.pack(">BBBI", 0, 0x50, 0, int.from_bytes(J2K[at + 6 : at + 10], "big")))
    whole = in_tile_part(in_main_header(J2K, listed), segment(0x64, b"\0\1" + SECRET))
    assert listed not in without_comments(whole)
    assert listed in without_comments(in_main_header(J2K, listed))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_streams_never_raise(kind: str) -> None:
    whole = with_secret(kind)
    rng = np.random.default_rng(1)
    damaged = [whole[:end] for end in range(0, len(whole), 3)]
    for _ in range(200):
        data = np.frombuffer(whole, np.uint8).copy()
        data[rng.integers(0, len(data), 3)] = rng.integers(0, 256, 3)
        damaged.append(data.tobytes())
    for content in damaged:
        try:
            clean = without_comments(content)
        except OtherwiseBuiltError:
            continue
        assert len(clean) <= len(content) + 2


JXL_CODESTREAM = b"\xff\x0aCODESTREAM"


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def test_jpeg_xl_keeps_its_codestream_alone() -> None:
    head = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    needed = head + box(b"jxlp", b"\0\0\0\0" + JXL_CODESTREAM)
    more = b"".join(box(k, SECRET) for k in (b"Exif", b"xml ", b"jumb", b"brob", b"jbrd", b"what"))
    assert without_comments(head + more + needed[len(head) :] + more) == needed
    assert without_comments(needed) == needed
    assert without_comments(JXL_CODESTREAM) == JXL_CODESTREAM
    with pytest.raises(OtherwiseBuiltError):
        without_comments(needed + b"\0\0\1\0junk")


def test_rle_is_cut_behind_its_runs() -> None:
    array = np.repeat(PICTURE, 3, axis=1).astype(np.uint16) * 200
    source = Dataset()
    source.Rows, source.Columns = array.shape
    source.SamplesPerPixel, source.BitsAllocated, source.BitsStored, source.HighBit = 1, 16, 16, 15
    source.PixelRepresentation, source.PhotometricInterpretation = 0, "MONOCHROME2"
    source.PixelData = array.tobytes()
    source.file_meta = FileMetaDataset()
    source.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    source.compress(RLELossless, generate_instance_uid=False)
    (frame,) = generate_frames(source.PixelData, number_of_frames=1)
    assert clean_rle(frame, array.size) == frame
    count, *offsets = struct.unpack("<16L", frame[:64])
    first, second = frame[offsets[0] : offsets[1]], frame[offsets[1] :]
    hidden = SECRET + b"\0" * (len(SECRET) % 2)
    head = struct.pack(
        "<16L", count, 64, 64 + len(first) + len(hidden), *struct.unpack("<13L", hidden[:2] * 26)
    )
    whole = head + first + hidden + second + hidden
    assert clean_rle(whole, array.size) == frame
    for wrong in (b"", frame[:40], frame[:100], b"\0" * 64, frame[:4] + b"\1" + frame[5:]):
        with pytest.raises(OtherwiseBuiltError):
            clean_rle(wrong, array.size)


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
    assert "comments and leftovers removed from the compressed stream" in {c.action for c in changes}
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


@pytest.mark.parametrize("content", [b"junk", encapsulate([b"what is this"]), encapsulate([PLAIN[:60]])])
def test_what_cannot_be_taken_apart_is_withheld(small: Callable[..., Dataset], content: bytes) -> None:
    source = small()
    source.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    source.PixelData = content
    with pytest.raises(WithheldError, match="cannot be taken apart"):
        clear_comments(source, "file")


def test_frames_that_no_header_tells_go(small: Callable[..., Dataset]) -> None:
    source = small(NumberOfFrames=1)
    source.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    source.PixelData = encapsulate([PLAIN, PLAIN[:2] + segment(0xFE, SECRET) + PLAIN[2:]])
    source["PixelData"].is_undefined_length = True
    assert clear_comments(source, "file")
    assert (
        len(list(generate_frames(source.PixelData, number_of_frames=1))) == 1
        and SECRET not in source.PixelData
    )
