"""Raster images: PNG, JPEG and TIFF."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from overread.errors import InputError
from overread.files import atomic_path
from overread.imaging.image import Image

DEEP = {"I;16": np.uint16, "I;16L": np.uint16, "I;16B": np.uint16, "I": np.int32, "F": np.float32}
AFFINE = np.array([[0.0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""Index (row, column) laid as an axial slice seen from below, 1 mm: rows to posterior, columns to left."""


def read_raster(path: Path) -> Image:
    """Read one picture as ``(1 or 3, rows, columns)``; gray keeps 16 bit, colour is RGB of 8 bit.

    Alpha is dropped, palettes are resolved, the EXIF rotation is applied: each with a note. A raster
    image carries no place in the patient; spacing is 1 with a note, and ``source['spacing_known']`` is False.

    Raises
    ------
    InputError
        Missing, truncated or damaged file, several pages, an absurd size.
    """
    path = Path(path)
    image, notes = _open(path)
    notes.insert(0, "raster image without physical spacing: 1 mm was assumed, distances are in pixels")
    mode = image.mode
    if mode in DEEP:
        array = np.asarray(image).astype(DEEP[mode])
    elif mode in ("1", "L", "LA", "La"):
        array = np.asarray(image.convert("L"))
    else:
        array = np.asarray(image.convert("RGB"))
        if mode not in ("RGB", "RGBA", "RGBX", "RGBa"):
            notes.append(f"colours resolved from mode {mode} to RGB")
    if "A" in mode.upper().removeprefix("LAB") or "transparency" in image.info:
        notes.append("transparency dropped")
    array = np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None]
    source = {"path": str(path), "spacing_known": False}
    return Image(np.ascontiguousarray(array), AFFINE.copy(), source=source, notes=tuple(notes))


def read_label_raster(path: Path) -> NDArray[Any]:
    """Read a label picture as ``(rows, columns)`` integers as stored: palette indices, never colours.

    Raises
    ------
    InputError
        As `read_raster`, or a colour picture, whose values are no labels.
    """
    path = Path(path)
    image, _ = _open(path, transpose=False)
    if image.mode not in ("1", "L", "P", "I", "I;16", "I;16L", "I;16B"):
        raise InputError(
            f"{path}: mode is {image.mode}; a label image holds one integer per pixel (gray or palette)"
        )
    array = np.asarray(image)
    if array.dtype == bool:
        return array.astype(np.uint8)
    return array.astype(array.dtype.newbyteorder("="))


def write_png(path: Path, array: NDArray[Any]) -> None:
    """Write ``(rows, columns)`` uint8 or uint16, or ``(rows, columns, 3)`` uint8, to a PNG atomically."""
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    fits = (array.ndim == 2 and array.dtype in (np.uint8, np.uint16)) or (
        array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8
    )
    if not fits:
        raise InputError(
            f"{path}: a PNG holds uint8 or uint16 gray, or uint8 RGB; found {array.dtype} {array.shape}"
        )
    with atomic_path(Path(path)) as temporary:
        Pillow.fromarray(np.ascontiguousarray(array)).save(temporary, format="PNG")


def _open(path: Path, transpose: bool = True) -> tuple[Pillow.Image, list[str]]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    notes: list[str] = []
    try:
        with Pillow.open(io.BytesIO(path.read_bytes())) as image:
            pages = getattr(image, "n_frames", 1)
            if pages != 1:
                raise InputError(f"{path}: has {pages} pages, expected one picture")
            if any("16" in str(tile[3]) for tile in image.tile) and image.mode.startswith("RGB"):
                notes.append("colour of 16 bit reduced to 8 bit")
            image.load()
            if not transpose or image.getexif().get(0x0112, 1) == 1:
                return image.copy(), notes
            return ImageOps.exif_transpose(image), [*notes, "rotated as the EXIF orientation says"]
    except InputError:
        raise
    except Exception as error:
        cause = " ".join(str(error).split())[:300]
        raise InputError(
            f"{path}: cannot be read as a picture ({type(error).__name__}: {cause}); "
            "the file may be damaged or incomplete, copy it again"
        ) from error
