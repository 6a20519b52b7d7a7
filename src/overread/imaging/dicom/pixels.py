"""Pixels of one frame, to RGB or to modality values.

Source: PS3.3 C.7.6.3 (Image Pixel), C.11.1 (Modality LUT).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut
from pydicom.uid import RLELossless

from overread.errors import InputError
from overread.imaging.dicom.decode import GRAY, PALETTE, bits_allocated, left_over, stored_frame, stored_type
from overread.imaging.dicom.files import reading, transfer_syntax
from overread.imaging.dicom.instance import Place
from overread.imaging.dicom.planes import Plane
from overread.imaging.dicom.values import first_item, floats, integer, text

PHYSICAL = {"CT", "PT", "NM", "RTDOSE"}
"""Modalities whose values are physical: MONOCHROME1 changes their display only, never the number."""
OVERLAY_GROUPS = range(0x6000, 0x6020, 2)


def read_pixels(plane: Plane, buffers: Sequence[NDArray[Any]] = ()) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Decode one plane.

    Pixels that were left in the file are read into the first of ``buffers`` that fits, without a copy.

    Returns
    -------
    array, notes
        ``(rows, columns)`` modality values in MONOCHROME2 sense, or ``(rows, columns, 3)`` RGB. Whole
        numbers keep an integer type, rescaled fractions are float32. The array may be read-only.

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
        array, notes = _from_file(plane, plane.place, buffers) if plane.place else stored_frame(plane, kind)
        if kind == PALETTE:
            array = apply_color_lut(array, plane.dataset)[..., :3]
        if kind not in GRAY:
            if array.shape != (*plane.shape, 3):
                raise InputError(f"{plane.name}: {kind} image decodes to shape {array.shape}, expected RGB")
            return array, notes
        if array.shape != plane.shape:
            raise InputError(f"{plane.name}: decodes to shape {array.shape}, expected {plane.shape}")
        array, more = _modality_values(plane, array, kind)
        return array, notes + more


def _from_file(
    plane: Plane, place: Place, buffers: Sequence[NDArray[Any]]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The stored values that were left in the file."""
    dtype = stored_type(plane, bits_allocated(plane))
    fitting = (b for b in buffers if b.dtype == dtype and b.shape == plane.shape and b.flags.c_contiguous)
    array = next(fitting, None)
    if array is None:
        array = np.empty(plane.shape, dtype)
    with place.path.open("rb", buffering=0) as f:
        f.seek(place.offset)
        found = f.readinto(array.data.cast("B"))
    if found != array.nbytes:
        raise InputError(
            f"{plane.name}: pixel data is truncated: {found} of {array.nbytes} bytes; send it again"
        )
    return array, left_over(place.length, array.nbytes)


def _modality_values(plane: Plane, array: NDArray[Any], kind: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    dataset = plane.dataset
    allocated = array.dtype.itemsize * 8
    bits = min(integer(dataset, "BitsStored", plane.name, default=allocated), allocated)
    low, high = bounds(array.dtype, bits)
    if array.dtype.kind != "f" and 0 < bits < allocated:
        array, notes = _used_bits(plane, array, bits)
    inverted = None
    if kind == "MONOCHROME1":
        if is_physical(dataset):
            notes += ("MONOCHROME1 of physical values: values kept, only the display is inverted",)
        elif array.dtype.kind == "f":
            raise InputError(f"{plane.name}: MONOCHROME1 with float pixels has no defined inversion")
        else:
            inverted = low + high
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = ~np.isfinite(array)
        array = np.where(bad, array.dtype.type(0), array)
        notes += (f"{np.count_nonzero(bad)} pixels were not finite numbers and became 0",)
    table = first_item(dataset, "ModalityLUTSequence")
    if table is not None:
        array = apply_modality_lut(array, dataset)
        if inverted is not None:
            top = array.dtype.type(_largest_entry(table, plane.name))
            return top - array, (*notes, f"Modality LUT applied, and MONOCHROME1 inverted: {top} - value")
        return array, (*notes, "Modality LUT applied")
    if inverted is not None:
        array = (inverted - array.astype(np.int64)).astype(array.dtype)
        notes += (f"MONOCHROME1 inverted to MONOCHROME2: {inverted} - stored value",)
    ends = (v * plane.slope + plane.intercept for v in (low, high))
    if max(map(abs, ends)) > np.finfo(np.float32).max:
        raise InputError(
            f"{plane.name}: RescaleSlope {plane.slope:g} and RescaleIntercept {plane.intercept:g} "
            "lead beyond all bounds"
        )
    return rescale(array, plane.slope, plane.intercept, low, high), notes


def is_physical(dataset: Dataset) -> bool:
    """Whether values are measurements, which MONOCHROME1 does not turn round."""
    return text(dataset, "Modality") in PHYSICAL or text(dataset, "RescaleType") == "HU"


def mirror(plane: Plane) -> float | None:
    """The sum of a modality value of a MONOCHROME1 image and what it became in MONOCHROME2; None where kept."""
    dataset = plane.dataset
    if text(dataset, "PhotometricInterpretation") != "MONOCHROME1" or is_physical(dataset):
        return None
    table = first_item(dataset, "ModalityLUTSequence")
    if table is not None:
        return float(_largest_entry(table, plane.name))
    allocated = bits_allocated(plane)
    bits = min(integer(dataset, "BitsStored", plane.name, default=allocated), allocated)
    low, high = bounds(stored_type(plane, allocated), bits)
    return (low + high) * plane.slope + 2 * plane.intercept


def _largest_entry(table: Dataset, name: str) -> int:
    """What the bits of a LUT's entries can hold (third value of LUT Descriptor)."""
    descriptor = floats(table, "LUTDescriptor", 3, name)
    if descriptor is None or not 1 <= descriptor[2] <= 16:
        raise InputError(f"{name}: LUTDescriptor of the Modality LUT tells no bits per entry")
    return (1 << int(descriptor[2])) - 1


def bounds(dtype: np.dtype[Any], bits: int) -> tuple[int, int]:
    """Least and greatest stored value of ``bits`` stored bits."""
    low = -(1 << (bits - 1)) if dtype.kind == "i" else 0
    return low, low + (1 << bits) - 1


def _used_bits(plane: Plane, array: NDArray[Any], bits: int) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The value of the ``bits`` bits that end at High Bit; whatever the others hold is ignored (PS3.5 8.1.1)."""
    allocated = array.dtype.itemsize * 8
    top = integer(plane.dataset, "HighBit", plane.name, default=bits - 1)
    notes: tuple[str, ...] = ()
    syntax = transfer_syntax(plane.dataset, plane.name)
    if syntax.is_encapsulated and syntax != RLELossless:
        top = bits - 1  # A codestream has no unused bits; decoders give its values as numbers.
    elif not bits - 1 <= top < allocated:
        notes = (f"HighBit {top} cannot be with BitsStored {bits} and was taken as {bits - 1}",)
        top = bits - 1
    low, high = bounds(array.dtype, bits)
    shifted = top != bits - 1
    if not shifted and array.min() >= low and array.max() <= high:
        return array, notes
    left, right = array.dtype.type(allocated - 1 - top), array.dtype.type(allocated - bits)
    used = (array << left) >> right
    if shifted:
        return used, (*notes, f"values moved down by {top + 1 - bits} bits, from HighBit {top}")
    if any((group, 0x0102) in plane.dataset for group in OVERLAY_GROUPS):
        return used, (*notes, "overlay graphics in the unused bits of the pixels were left out")
    return used, (*notes, f"bits of the pixels beyond BitsStored {bits} were ignored")


def rescaled_type(dtype: np.dtype[Any], slope: float, intercept: float, low: int, high: int) -> np.dtype[Any]:
    """The type of ``slope * value + intercept`` for values low to high: int16 or int32 where exact, else float32."""
    if slope == 1 and intercept == 0:
        return np.dtype(np.float32) if dtype.kind == "f" else dtype
    if dtype.kind in "iu" and slope == int(slope) and intercept == int(intercept):
        ends = (low * slope + intercept, high * slope + intercept)
        for whole in (np.int16, np.int32):
            if np.iinfo(whole).min <= min(ends) and max(ends) <= np.iinfo(whole).max:
                return np.dtype(whole)
    return np.dtype(np.float32)


def rescale(array: NDArray[Any], slope: float, intercept: float, low: int, high: int) -> NDArray[Any]:
    """``slope * array + intercept`` in the `rescaled_type`."""
    dtype = rescaled_type(array.dtype, slope, intercept, low, high)
    if slope == 1 and intercept == 0:
        return array.astype(dtype, copy=False)
    if dtype.kind == "f":
        return (array.astype(np.float64) * slope + intercept).astype(dtype)
    if slope == 1:
        # Every partial result fits the type of the result once the operand is taken into it, modulo 2^n.
        return np.add(array, dtype.type(int(intercept)), dtype=dtype, casting="unsafe")
    return (array.astype(np.int64) * int(slope) + int(intercept)).astype(dtype)
