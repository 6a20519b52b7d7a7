"""Stored values of one frame: decoded by pydicom and pylibjpeg, never more memory than the file can fill.

Source: PS3.3 C.7.6.3 (Image Pixel), PS3.5 section 8 and annex A (encoding).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_fragments, get_frame, parse_basic_offsets
from pydicom.pixels import get_decoder
from pydicom.pixels.utils import as_pixel_options, get_expected_length
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGTransferSyntaxes,
    RLELossless,
)

from overread.errors import InputError
from overread.imaging.dicom.codestream import codestream_size, colour_model, repair_scan
from overread.imaging.dicom.files import transfer_syntax
from overread.imaging.dicom.planes import PIXELS, Plane
from overread.imaging.dicom.values import integer

FRAME_LIMIT = 1 << 28
"""Largest decoded compressed frame, bytes."""
VOLUME_LIMIT, VOLUME_RATIO = 4 << 30, 200
"""Frames of a compressed file may fill this many bytes, or this many times their compressed size."""
RATIO = {RLELossless: 128}
"""No frame of this transfer syntax unpacks to more than this many times its size (PS3.5 annex G)."""
GRAY, PALETTE = ("MONOCHROME1", "MONOCHROME2"), "PALETTE COLOR"
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
SCAN_REPAIRED = "JPEG scan header corrected: it told of an end of spectral selection other than 63"


def stored_frame(plane: Plane, kind: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """One frame as stored (RGB where it was YBR), and what was repaired. Raises InputError, or what decoders raise.

    ``(rows, columns)``, or ``(rows, columns, 3)``; the array may be a read-only view of the file's bytes.
    """
    dataset, name = plane.dataset, plane.name
    syntax = transfer_syntax(dataset, name)
    keyword = next(k for k in PIXELS if k in dataset)
    data = dataset[keyword].value
    if not isinstance(data, bytes) or not data:
        raise InputError(f"{name}: {keyword} is empty; the file was cut short or never had an image")
    samples = integer(dataset, "SamplesPerPixel", name, default=1)
    bits = bits_allocated(plane)
    if samples != (1 if kind in (*GRAY, PALETTE) else 3):
        raise InputError(f"{name}: SamplesPerPixel is {samples}, which does not fit {kind}")
    if syntax.is_encapsulated:
        return _decoded(plane, data, syntax, samples, bits, kind)
    if syntax not in NATIVE:
        raise InputError(f"{name}: transfer syntax {syntax.name} is not supported; send it uncompressed")
    expected = int(get_expected_length(dataset))
    if len(data) < expected:
        raise InputError(f"{name}: pixel data is truncated: {len(data)} of {expected} bytes; send it again")
    notes = left_over(len(data), expected) if plane.frame == 0 else ()
    if samples == 1 and keyword == "PixelData" and bits in (16, 32):
        return native(plane, data, bits, syntax != ExplicitVRBigEndian), notes
    options: dict[str, Any] = {"correct_unused_bits": False}
    array, about = get_decoder(syntax).as_array(dataset, index=plane.frame, **options)
    _check_colour(name, kind, samples, about)
    return array.astype(array.dtype.newbyteorder("="), copy=False), notes


def native(plane: Plane, data: bytes, bits: int, little: bool) -> NDArray[Any]:
    """A view of one uncompressed gray frame in whole words; a copy where the byte order is another."""
    dtype = stored_type(plane, bits).newbyteorder("<" if little else ">")
    count = plane.shape[0] * plane.shape[1]
    array = np.frombuffer(data, dtype, count, plane.frame * count * dtype.itemsize).reshape(plane.shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def bits_allocated(plane: Plane) -> int:
    """Bits that one stored value takes in the file."""
    return integer(plane.dataset, "BitsAllocated", plane.name)


def stored_type(plane: Plane, bits: int) -> np.dtype[Any]:
    """The integer type of stored values of ``bits`` allocated bits."""
    signed = integer(plane.dataset, "PixelRepresentation", plane.name, default=0)
    return np.dtype(f"{'i' if signed else 'u'}{bits // 8}")


def _decoded(
    plane: Plane, data: bytes, syntax: UID, samples: int, bits: int, kind: str
) -> tuple[NDArray[Any], tuple[str, ...]]:
    name, dataset = plane.name, plane.dataset
    size = plane.shape[0] * plane.shape[1] * samples * ((bits + 7) // 8)
    if size > FRAME_LIMIT:
        raise InputError(f"{name}: a frame of {size} bytes is larger than the limit of {FRAME_LIMIT}")
    frames = integer(dataset, "NumberOfFrames", name, default=1)
    if frames > 1 + len(data) // 8 or size * frames > max(VOLUME_LIMIT, VOLUME_RATIO * len(data)):
        raise InputError(f"{name}: {len(data)} bytes cannot hold {frames} frames of {size} bytes each")
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise InputError(
            f"{name}: transfer syntax {syntax.name} cannot be decoded here; send it uncompressed"
        ) from None
    frame = _frame(dataset, data, plane.frame, frames)
    if size > RATIO.get(syntax, sys.maxsize) * len(frame):
        raise InputError(f"{name}: {len(frame)} bytes of {syntax.name} cannot hold {size} bytes of pixels")
    if syntax != RLELossless:
        found = codestream_size(frame)
        if found is not None and found != (*plane.shape, samples):
            raise InputError(
                f"{name}: the compressed image is {found[0]} x {found[1]} x {found[2]}, "
                f"but Rows x Columns x SamplesPerPixel is {plane.shape[0]} x {plane.shape[1]} x {samples}"
            )
    # pylibjpeg-rle panics on damaged segments, past every except clause; pydicom's own decoder raises.
    options: dict[str, Any] = {"correct_unused_bits": False}
    if syntax == RLELossless:
        options["decoding_plugin"] = "pydicom"
    notes = frames_left_over(data, syntax, frames) if plane.frame == 0 else ()
    colour: dict[str, Any] = {}
    if samples == 3:
        model, more = colour_model(kind, syntax, frame)
        colour, notes = {"photometric_interpretation": model}, notes + more
    repaired = repair_scan(frame) if syntax in JPEGTransferSyntaxes else None
    if repaired is None:
        array, about = decoder.as_array(dataset, index=plane.frame, **options, **colour)
    else:
        options |= as_pixel_options(dataset, number_of_frames=1) | colour
        array, about = decoder.as_array(encapsulate([repaired]), index=0, **options)
        notes += (SCAN_REPAIRED,)
    _check_colour(name, kind, samples, about)
    return array.astype(array.dtype.newbyteorder("="), copy=False), notes


def _check_colour(name: str, kind: str, samples: int, about: Mapping[str, Any]) -> None:
    """Raise InputError unless a colour frame was decoded to RGB: by what the decoder says, not by the header."""
    found = about.get("photometric_interpretation")
    if samples == 3 and found != "RGB":
        raise InputError(
            f"{name}: PhotometricInterpretation {kind} decodes to {found}, which cannot be made RGB here; convert it"
        )


def left_over(held: int, expected: int) -> tuple[str, ...]:
    """A sentence where uncompressed pixel data goes on beyond what the header tells, other than by the padding byte."""
    if held <= expected + expected % 2:
        return ()
    return (
        f"pixel data has {held - expected} bytes more than the {expected} of the frames that the header tells "
        "(NumberOfFrames, Rows, Columns); they were not read",
    )


def frames_left_over(data: bytes, syntax: UID, frames: int) -> tuple[str, ...]:
    """A sentence where compressed pixel data holds more frames than NumberOfFrames tells.

    Frames are counted by the Basic Offset Table, else by the fragments that begin as a frame does (PS3.5 A.4).
    """
    try:
        held = len(parse_basic_offsets(data))
        if not held:
            starts = (b"",) if syntax == RLELossless else (b"\xff\xd8", b"\xff\x4f", b"\x00\x00\x00\x0cjP")
            held = sum(fragment.startswith(starts) for fragment in generate_fragments(data[8:]))
    except Exception:
        # Damaged behind the frames that can be read: what is damaged in them, decoding says.
        return ()
    if held <= frames:
        return ()
    return (f"pixel data holds {held} frames, NumberOfFrames tells of {frames}; the others were not read",)


def _frame(dataset: Dataset, data: bytes, index: int, frames: int) -> bytes:
    """The bytes of one compressed frame, found by the Extended Offset Table where there is one."""
    tables = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    if tables[0] and tables[1]:
        return get_frame(data, index, number_of_frames=frames, extended_offsets=tables)
    return get_frame(data, index, number_of_frames=frames)
