"""Pixels of one frame: decoded, to RGB or to modality values, never more memory than the file can fill.

Source: PS3.3 C.7.6.3 (Image Pixel), C.11.1 (Modality LUT); decoding by pydicom and pylibjpeg.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from overread.errors import InputError
from overread.imaging.dicom_files import reading
from overread.imaging.dicom_planes import PIXELS, Plane
from overread.imaging.dicom_values import first_item, integer, text

FRAME_LIMIT = 1 << 30
"""Largest decoded compressed frame, bytes."""
PHYSICAL = {"CT", "PT"}
"""Modalities whose values are physical: MONOCHROME1 changes their display only, never the number."""
GRAY, PALETTE = ("MONOCHROME1", "MONOCHROME2"), "PALETTE COLOR"


def read_pixels(plane: Plane) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Decode one plane.

    Returns
    -------
    array, notes
        ``(rows, columns)`` modality values in MONOCHROME2 sense, or ``(rows, columns, 3)`` RGB. Whole
        numbers keep an integer type, rescaled fractions are float32.

    Raises
    ------
    InputError
        Truncated or damaged pixel data, an unknown photometric interpretation, a frame too large.
    """
    with reading(plane.name, "pixel data"):
        kind = text(plane.dataset, "PhotometricInterpretation")
        if kind not in (*GRAY, PALETTE, "RGB") and not kind.startswith("YBR_"):
            raise InputError(
                f"{plane.name}: PhotometricInterpretation is {kind or 'missing'}; expected MONOCHROME1, "
                "MONOCHROME2, PALETTE COLOR, RGB or YBR"
            )
        array = _decode(plane, kind)
        if kind == PALETTE:
            array = apply_color_lut(array, plane.dataset)[..., :3]
        if kind not in GRAY:
            if array.shape != (*plane.shape, 3):
                raise InputError(f"{plane.name}: {kind} image decodes to shape {array.shape}, expected RGB")
            return array, ()
        if array.shape != plane.shape:
            raise InputError(f"{plane.name}: decodes to shape {array.shape}, expected {plane.shape}")
        return _modality_values(plane, array, kind)


def _decode(plane: Plane, kind: str) -> NDArray[Any]:
    dataset, name = plane.dataset, plane.name
    syntax = transfer_syntax(dataset, name)
    keyword = next(k for k in PIXELS if k in dataset)
    data = dataset[keyword].value
    if not isinstance(data, bytes) or not data:
        raise InputError(f"{name}: {keyword} is empty; the file was cut short or never had an image")
    samples = integer(dataset, "SamplesPerPixel", name, default=1)
    bits = integer(dataset, "BitsAllocated", name)
    if samples != (1 if kind in (*GRAY, PALETTE) else 3):
        raise InputError(f"{name}: SamplesPerPixel is {samples}, which does not fit {kind}")
    if syntax.is_encapsulated:
        size = plane.shape[0] * plane.shape[1] * samples * ((bits + 7) // 8)
        if size > FRAME_LIMIT:
            raise InputError(f"{name}: a frame of {size} bytes is larger than the limit of {FRAME_LIMIT}")
        frames = integer(dataset, "NumberOfFrames", name, default=1)
        if syntax != RLELossless:
            found = codestream_size(get_frame(data, plane.frame, number_of_frames=frames))
            if found is not None and found != (*plane.shape, samples):
                raise InputError(
                    f"{name}: the compressed image is {found[0]} x {found[1]} x {found[2]}, "
                    f"but Rows x Columns x SamplesPerPixel is {plane.shape[0]} x {plane.shape[1]} x {samples}"
                )
    else:
        expected = int(get_expected_length(dataset))
        if len(data) < expected:
            raise InputError(
                f"{name}: pixel data is truncated: {len(data)} of {expected} bytes; send it again"
            )
    # pylibjpeg-rle panics on damaged segments, past every except clause; pydicom's own decoder raises.
    plugin = "pydicom" if syntax == RLELossless else ""
    array = get_decoder(syntax).as_array(dataset, index=plane.frame, decoding_plugin=plugin)[0]
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def transfer_syntax(dataset: Dataset, name: str) -> UID:
    """Transfer Syntax UID, from the File Meta Information or from how the data set was encoded."""
    meta = getattr(dataset, "file_meta", None)
    uid = None if meta is None else meta.get("TransferSyntaxUID")
    if uid:
        return UID(uid)
    implicit, little = dataset.original_encoding
    if implicit is None:
        raise InputError(f"{name}: TransferSyntaxUID is missing; the pixel data cannot be decoded without it")
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


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


def _modality_values(plane: Plane, array: NDArray[Any], kind: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    dataset = plane.dataset
    bits = integer(dataset, "BitsStored", plane.name, default=array.dtype.itemsize * 8)
    low = -(1 << (bits - 1)) if array.dtype.kind == "i" else 0
    high = low + (1 << bits) - 1
    if kind == "MONOCHROME1":
        if text(dataset, "Modality") in PHYSICAL or text(dataset, "RescaleType") == "HU":
            notes = ("MONOCHROME1 of physical values: values kept, only the display is inverted",)
        elif array.dtype.kind == "f":
            raise InputError(f"{plane.name}: MONOCHROME1 with float pixels has no defined inversion")
        else:
            if array.max() > high or array.min() < low:
                raise InputError(
                    f"{plane.name}: values outside BitsStored {bits} cannot be inverted (MONOCHROME1)"
                )
            array = ((low + high) - array.astype(np.int64)).astype(array.dtype)
            notes = (f"MONOCHROME1 inverted to MONOCHROME2: {low + high} - stored value",)
    if first_item(dataset, "ModalityLUTSequence") is not None:
        return apply_modality_lut(array, dataset), (*notes, "Modality LUT applied")
    return rescale(array, plane.slope, plane.intercept, low, high), notes


def rescale(array: NDArray[Any], slope: float, intercept: float, low: int, high: int) -> NDArray[Any]:
    """``slope * array + intercept``: in int16 or int32 where exact for values low to high, else float32."""
    if slope == 1 and intercept == 0:
        return array.astype(np.float32) if array.dtype.kind == "f" else array
    if array.dtype.kind in "iu" and slope == int(slope) and intercept == int(intercept):
        ends = (low * slope + intercept, high * slope + intercept)
        for dtype in (np.int16, np.int32):
            if np.iinfo(dtype).min <= min(ends) and max(ends) <= np.iinfo(dtype).max:
                return (array.astype(np.int64) * int(slope) + int(intercept)).astype(dtype)
    return (array.astype(np.float64) * slope + intercept).astype(np.float32)
