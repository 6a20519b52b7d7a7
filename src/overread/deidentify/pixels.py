"""Identifying pixels: regions blanked, overlays cleared from unused bits, burned-in text held back."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

from overread.deidentify.errors import WithheldError
from overread.deidentify.regions import Box
from overread.imaging.dicom.files import transfer_syntax
from overread.imaging.dicom.values import text

BURNED_IN = "burned-in annotation without a declared region"
CANNOT_BLANK = "pixel data of a kind that cannot be blanked"


def is_burned_in(dataset: Dataset) -> bool:
    """Whether a file says that its pixels identify: burned-in text, or the photograph of a slide's label."""
    # Defined terms are upper case (PS3.5 section 6.2); what is written otherwise means the same, and must not get out.
    flags = [text(dataset, k).upper() for k in ("BurnedInAnnotation", "SpecimenLabelInImage")]
    kinds = [kind.strip() for kind in text(dataset, "ImageType").upper().split("\\")]
    return "YES" in flags or "LABEL" in kinds[2:3]


def cut_to_size(dataset: Dataset, name: str) -> bool:
    """Cut uncompressed pixel data to the size that the header declares, in place. True where there was more.

    What follows belongs to no frame, no reader looks at it, and anything may stand there (PS3.5 section 8.1.1). The
    byte that makes the length even becomes 0.

    Raises
    ------
    WithheldError
        The header does not tell the size.
    """
    cut = False
    for keyword, bits in (("PixelData", None), ("FloatPixelData", 32), ("DoubleFloatPixelData", 64)):
        data = dataset.get(keyword)
        if not isinstance(data, bytes) or not data:
            continue
        size = _declared(dataset, bits, name)
        whole = data[:size] + b"\0" * (len(data[:size]) % 2)
        if whole != data:
            cut |= len(data) > len(whole) or bool(data[size:].strip(b"\0"))
            element = copy(dataset[keyword])
            element.value = whole
            dataset[keyword] = element
    return cut


def _declared(dataset: Dataset, bits: int | None, name: str) -> int:
    """Bytes that Rows, Columns, Number of Frames and the size of a sample make up (PS3.3 C.7.6.3)."""
    try:
        samples = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1)
        size = (
            samples * max(1, int(dataset.get("NumberOfFrames") or 1)) * (bits or int(dataset.BitsAllocated))
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise WithheldError(name, "pixel data whose size the header does not tell") from error
    kind = text(dataset, "PhotometricInterpretation")
    if kind.endswith("_422"):
        # Two samples of each chrominance for four of luminance (PS3.3 C.7.6.3.1.2).
        size = size * 2 // 3
    elif kind.endswith("_420"):
        size //= 2
    return (size + 7) // 8


def clear_overlay_bits(dataset: Dataset, name: str) -> bool:
    """Clear the bits above and below the stored ones where an overlay lies in them (PS3.5 8.1.2).

    Must run while the overlay groups are still there. True where pixels changed.
    """
    embedded = any(
        int(dataset[(group, 0x0102)].value or 0) > 0
        for group in range(0x6000, 0x6020, 2)
        if (group, 0x0102) in dataset and (group, 0x3000) not in dataset
    )
    if not embedded or "PixelData" not in dataset:
        return False
    allocated, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
    high = int(dataset.get("HighBit", stored - 1))
    if allocated not in (8, 16, 32) or stored >= allocated:
        return False
    syntax = _uncompressed(dataset, name)
    signed = bool(dataset.get("PixelRepresentation", 0))
    array = np.frombuffer(
        dataset.PixelData, f"{'>' if syntax == ExplicitVRBigEndian else '<'}u{allocated // 8}"
    )
    mask = ((1 << stored) - 1) << (high - stored + 1)
    new = array & mask
    if signed and high == stored - 1:
        # Unused bits of signed values repeat the sign, as most writers have it.
        new = np.where(new >> high & 1, new | ~np.asarray(mask, new.dtype), new).astype(array.dtype)
    _set_pixels(dataset, new.astype(array.dtype).tobytes())
    return True


def blank(dataset: Dataset, boxes: Sequence[Box], name: str) -> None:
    """Blank ``boxes`` in every frame and colour plane, in place; compressed pixels are written uncompressed.

    Raises
    ------
    WithheldError
        The pixel data are of a kind that cannot be blanked, or a box lies outside the image.
    """
    if "PixelData" not in dataset or int(dataset.BitsAllocated) not in (8, 16, 32):
        raise WithheldError(name, CANNOT_BLANK)
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if any(x0 >= columns or y0 >= rows for x0, y0, _, _ in boxes):
        raise WithheldError(name, "a declared region lies outside the image")
    syntax = _uncompressed(dataset, name)
    if "422" in str(dataset.PhotometricInterpretation) or "420" in str(dataset.PhotometricInterpretation):
        raise WithheldError(name, CANNOT_BLANK)
    samples, frames = int(dataset.get("SamplesPerPixel", 1)), int(dataset.get("NumberOfFrames") or 1)
    signed = "i" if dataset.get("PixelRepresentation", 0) else "u"
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    dtype = np.dtype(f"{order}{signed}{int(dataset.BitsAllocated) // 8}")
    count = frames * rows * columns * samples
    if len(dataset.PixelData) < count * dtype.itemsize:
        raise WithheldError(name, "damaged")
    array: NDArray[Any] = np.frombuffer(dataset.PixelData, dtype, count).copy()
    planar = samples > 1 and int(dataset.get("PlanarConfiguration", 0)) == 1
    shape = (frames, samples, rows, columns) if planar else (frames, rows, columns, samples)
    view = np.moveaxis(array.reshape(shape), 1, -1) if planar else array.reshape(shape)
    fill = _darkest(str(dataset.PhotometricInterpretation), view)
    for x0, y0, x1, y1 in boxes:
        view[:, y0:y1, x0:x1] = fill
    _set_pixels(dataset, array.tobytes())
    for keyword in ("SmallestImagePixelValue", "LargestImagePixelValue"):
        dataset.pop(keyword, None)


def _darkest(photometric: str, view: NDArray[Any]) -> list[Any]:
    samples = view.shape[-1]
    if photometric == "MONOCHROME1":
        return [view.max()]
    if photometric == "MONOCHROME2":
        return [view.min()]
    if photometric.startswith("YBR"):
        # Black: chrominance has its zero in the middle of the range (PS3.3 C.7.6.3.1.2).
        middle = 1 << (view.dtype.itemsize * 8 - 1)
        return [0, middle, middle]
    return [0] * samples


def _set_pixels(dataset: Dataset, data: bytes) -> None:
    vr = "OB" if int(dataset.BitsAllocated) <= 8 else "OW"
    dataset["PixelData"] = DataElement(0x7FE00010, vr, data + b"\0" * (len(data) % 2))


def _uncompressed(dataset: Dataset, name: str) -> UID:
    """Decode compressed pixels in place; the transfer syntax that the data set has then."""
    syntax = transfer_syntax(dataset, name)
    if syntax.is_encapsulated:
        try:
            dataset.decompress(as_rgb=True, generate_instance_uid=False)
        except Exception as error:
            raise WithheldError(name, "compressed pixel data that cannot be decoded") from error
        return ExplicitVRLittleEndian
    return syntax
