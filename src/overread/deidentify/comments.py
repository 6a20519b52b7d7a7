"""Comments, application data and leftovers in compressed pixels: programs put names, places and dates there.

Nothing that a decoder needs is touched: the samples stay as they are, bit by bit. What is not built as its kind is, so
that nobody can say where its comments are, is not written at all.

Source: PS3.5 sections 8.2 and A.4; each kind of stream has its own module in `streams`.
"""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames, parse_basic_offsets
from pydicom.uid import RLELossless

from overread.deidentify.errors import WithheldError
from overread.deidentify.streams.boxes import JP2_START, JXL_BARE, JXL_START, clean_jp2, clean_jpeg_xl
from overread.deidentify.streams.errors import OtherwiseBuiltError
from overread.deidentify.streams.jpeg import START as JPEG_START
from overread.deidentify.streams.jpeg import clean_jpeg
from overread.deidentify.streams.jpeg2000 import START as J2K_START
from overread.deidentify.streams.jpeg2000 import clean_codestream
from overread.deidentify.streams.rle import clean_rle
from overread.deidentify.values import put
from overread.deidentify.video import is_video_syntax
from overread.imaging.dicom.files import transfer_syntax

NOT_APART = "compressed pixel data that cannot be taken apart, so that its comments cannot be removed"
ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"


def clear_comments(dataset: Dataset, name: str) -> bool:
    """Take comments and leftovers out of the frames of compressed pixel data, in place. True where pixel data changed.

    Raises
    ------
    WithheldError
        The pixel data cannot be divided into its frames, or a frame is not built as its kind is.
    """
    syntax = transfer_syntax(dataset, name)
    data = dataset.get("PixelData")
    if not syntax.is_encapsulated or not isinstance(data, bytes) or is_video_syntax(syntax):
        return False
    count = int(dataset.get("NumberOfFrames") or 1)
    tables = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    try:
        extended = (tables[0], tables[1]) if tables[0] and tables[1] else None
        # Frames beyond those that the header tells are not read by anyone, and go.
        frames = list(generate_frames(data, number_of_frames=count, extended_offsets=extended))
        cleared = [_cleared(frame, dataset, syntax) for frame in frames[:count]]
        if len(frames) < count:
            raise OtherwiseBuiltError("frames")
        if len(frames) == count and all(
            new == old[: len(new)] and not old[len(new) :].strip(b"\0")
            for new, old in zip(cleared, frames, strict=True)
        ):
            return False
        packed = encapsulate(cleared, has_bot=bool(parse_basic_offsets(data)) or extended is not None)
    except Exception as error:
        raise WithheldError(name, NOT_APART) from error
    put(dataset, "PixelData", packed)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        dataset.pop(keyword, None)
    return True


def _cleared(frame: bytes, dataset: Dataset, syntax: str) -> bytes:
    plane = int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0)
    if syntax == RLELossless:
        return clean_rle(frame, plane)
    if syntax == ENCAPSULATED_UNCOMPRESSED:
        bits = plane * int(dataset.get("SamplesPerPixel") or 1) * int(dataset.BitsAllocated)
        return frame[: (bits + 7) // 8]
    return without_comments(frame)


def without_comments(frame: bytes) -> bytes:
    """A JPEG, JPEG-LS, JPEG 2000 or JPEG XL stream without comments, application data, and what follows its end.

    Raises OtherwiseBuiltError where it is another kind of stream, or not built as its kind is.
    """
    if frame.startswith(JPEG_START):
        return clean_jpeg(frame)
    if frame.startswith(J2K_START):
        return clean_codestream(frame)
    if frame.startswith(JP2_START):
        return clean_jp2(frame)
    if frame.startswith(JXL_START):
        return clean_jpeg_xl(frame)
    if frame.startswith(JXL_BARE):
        return frame
    raise OtherwiseBuiltError("unknown")
