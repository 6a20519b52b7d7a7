"""Stored values of one frame: decoded by pydicom and pylibjpeg, never more memory than the file can fill.

Source: PS3.3 C.7.6.3 (Image Pixel), PS3.5 section 8 and annex A (encoding).
"""

from __future__ import annotations

import struct
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import encapsulate, get_frame
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
        return _decoded(plane, data, syntax, samples, bits)
    if syntax not in NATIVE:
        raise InputError(f"{name}: transfer syntax {syntax.name} is not supported; send it uncompressed")
    expected = int(get_expected_length(dataset))
    if len(data) < expected:
        raise InputError(f"{name}: pixel data is truncated: {len(data)} of {expected} bytes; send it again")
    if samples == 1 and keyword == "PixelData" and bits in (16, 32):
        return native(plane, data, bits, syntax != ExplicitVRBigEndian), ()
    options: dict[str, Any] = {"correct_unused_bits": False}
    array = get_decoder(syntax).as_array(dataset, index=plane.frame, **options)[0]
    return array.astype(array.dtype.newbyteorder("="), copy=False), ()


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
    plane: Plane, data: bytes, syntax: UID, samples: int, bits: int
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
    repaired = repair_scan(frame) if syntax in JPEGTransferSyntaxes else None
    if repaired is None:
        array = decoder.as_array(dataset, index=plane.frame, **options)[0]
    else:
        options |= as_pixel_options(dataset, number_of_frames=1)
        array = decoder.as_array(encapsulate([repaired]), index=0, **options)[0]
    notes = (SCAN_REPAIRED,) if repaired is not None else ()
    return array.astype(array.dtype.newbyteorder("="), copy=False), notes


def _frame(dataset: Dataset, data: bytes, index: int, frames: int) -> bytes:
    """The bytes of one compressed frame, found by the Extended Offset Table where there is one."""
    tables = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    if tables[0] and tables[1]:
        return get_frame(data, index, number_of_frames=frames, extended_offsets=tables)
    return get_frame(data, index, number_of_frames=frames)


def repair_scan(frame: bytes) -> bytes | None:
    """A sequential DCT JPEG of one scan with its end of spectral selection set to 63; None where it is right.

    Some encoders leave 0 there; the only permitted value of the sequential modes is 63 (ITU-T T.81 B.2.3,
    table B.3).
    """
    at, sequential = 2, False
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker in (0xC0, 0xC1):
            sequential = True
        if marker == 0xDA:
            end = at + 2 + length
            if not sequential or end > len(frame) or length < 6 or frame[end - 2] == 63:
                return None
            return frame[: end - 2] + b"\x3f" + frame[end - 1 :]
        at += 2 + length
    return None


def codestream_size(data: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, components) that a JPEG, JPEG-LS or JPEG 2000 codestream claims; None without header.

    Read before decoding, because decoders allocate what the codestream claims. Source: ITU-T T.81 B.2.2
    (frame header), T.87 C.2.2, T.800 A.5.1 (SIZ).
    """
    if data[:2] != b"\xff\xd8":
        # A JP2 file (which DICOM forbids and some write) has boxes before the codestream.
        at = data.find(b"\xff\x4f\xff\x51", 0, 1024)
        if at < 0 or len(data) < at + 42:
            return None
        x1, y1, x0, y0 = struct.unpack(">4I", data[at + 8 : at + 24])
        return y1 - y0, x1 - x0, int.from_bytes(data[at + 40 : at + 42], "big")
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns = struct.unpack(">2H", data[at + 5 : at + 9])
            return rows, columns, data[at + 9]
        else:
            at += 2 + length
    return None
