"""Comments and application data inside compressed pixels: programs put names, places and dates there, as EXIF does.

Nothing that a decoder needs is touched: the samples stay as they are, bit by bit.

Source: ITU-T T.81 B.2.4 (JPEG: COM and APPn), T.87 (JPEG-LS), T.800 A.9.2 and annex I (JPEG 2000: COM and the boxes of
JP2); PS3.5 section 8.2 and A.4.
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames, parse_basic_offsets
from pydicom.uid import RLELossless

from overread.deidentify.values import put
from overread.imaging.dicom.codestream import J2K_START
from overread.imaging.dicom.files import transfer_syntax

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APPLICATION = range(0xE0, 0xF0)
NEEDED = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xE8: b"mrfx", 0xEE: b"Adobe"}
"""Application segments that say how to show the samples, by the beginning of their content."""
J2K_COM, J2K_SOT = 0x64, 0x90
ENCODER = re.compile(rb"(Kakadu|Created by OpenJPEG|HHI|Grok)[\w. -]{0,60}\0*", re.ASCII)
"""Comments of encoders about themselves."""
BOXES = (b"xml ", b"uuid", b"uinf", b"res ")
"""Boxes of JP2 that hold metadata."""


def clear_comments(dataset: Dataset, name: str) -> bool:
    """Take comments out of the frames of compressed pixel data, in place. True where pixel data changed.

    A stream that is not built as expected stays as it is: what identifies is still searched for in its bytes.
    """
    syntax = transfer_syntax(dataset, name)
    data = dataset.get("PixelData")
    if not syntax.is_encapsulated or syntax == RLELossless or not isinstance(data, bytes):
        return False
    count = int(dataset.get("NumberOfFrames") or 1)
    tables = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    try:
        extended = (tables[0], tables[1]) if tables[0] and tables[1] else None
        frames = list(generate_frames(data, number_of_frames=count, extended_offsets=extended))
        cleared = [without_comments(frame) for frame in frames]
        if len(frames) != count or all(
            new == old.rstrip(b"\0") for new, old in zip(cleared, frames, strict=True)
        ):
            return False
        packed = encapsulate(cleared, has_bot=bool(parse_basic_offsets(data)) or extended is not None)
    except Exception:
        # Damaged: whether it can be written at all is judged elsewhere.
        return False
    put(dataset, "PixelData", packed)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        dataset.pop(keyword, None)
    return True


def without_comments(frame: bytes) -> bytes:
    """A JPEG, JPEG-LS or JPEG 2000 stream without comments and application data; as it is where it is built otherwise.

    What follows the end of a JPEG stream goes too.
    """
    if frame.startswith(b"\xff\xd8"):
        return _jpeg(frame)
    if frame.startswith(J2K_START):
        return _codestream(frame)
    if frame[4:8] == b"jP  ":
        return _boxes(frame)
    return frame.rstrip(b"\0")


def _jpeg(frame: bytes) -> bytes:
    out, at = bytearray(frame[:2]), 2
    while at + 2 <= len(frame):
        if frame[at] != 0xFF:
            return frame
        marker = frame[at + 1]
        if marker == EOI:
            return bytes(out + b"\xff\xd9")
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if end > len(frame) or end < at + 4:
            return frame
        if marker == SOS:
            end = _next_marker(frame, end)
        content = frame[at + 4 : end]
        application = marker in APPLICATION and not (marker in NEEDED and content.startswith(NEEDED[marker]))
        if marker != COM and not application:
            out += frame[at:end]
        at = end
    return frame


def _next_marker(frame: bytes, at: int) -> int:
    """Where the entropy-coded data that begins at ``at`` ends: at a marker other than a restart."""
    while (at := frame.find(b"\xff", at)) >= 0 and at + 1 < len(frame):
        # 0 is a stuffed byte, and JPEG-LS stuffs a bit: anything below 0x80 belongs to the data.
        if frame[at + 1] < 0x80 or 0xD0 <= frame[at + 1] <= 0xD7:
            at += 2
        elif frame[at + 1] == 0xFF:
            at += 1
        else:
            return at
    return len(frame)


def _codestream(frame: bytes) -> bytes:
    """Comments of the main header; tile-parts state their own length and stay as they are."""
    out, at = bytearray(frame[:2]), 2
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker, end = frame[at + 1], at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == J2K_SOT:
            return bytes(out + frame[at:])
        if marker != J2K_COM or ENCODER.fullmatch(frame[at + 6 : end]):
            out += frame[at:end]
        at = end
    return frame


def _boxes(frame: bytes) -> bytes:
    out, at = bytearray(), 0
    while at + 8 <= len(frame):
        length, kind = int.from_bytes(frame[at : at + 4], "big"), frame[at + 4 : at + 8]
        end = at + length if length else len(frame)
        if length == 1 or end > len(frame) or end < at + 8:
            return frame
        content = frame[at + 8 : end]
        if kind == b"jp2c":
            content = _codestream(content)
        if kind not in BOXES:
            out += (len(content) + 8).to_bytes(4, "big") + kind + content
        at = end
    return bytes(out)
