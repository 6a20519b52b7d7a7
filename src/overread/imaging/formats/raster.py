"""Pictures of one page: PNG, JPEG, and what else of `PILLOW_FORMATS` Pillow decodes."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from overread.errors import InputError
from overread.files import atomic_path
from overread.imaging.formats.voxels import reading
from overread.imaging.image import Image

DEEP = {"I;16": np.uint16, "I;16L": np.uint16, "I;16B": np.uint16, "I": np.int32, "F": np.float32}
PILLOW_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")
"""The formats that Pillow is told to open. Left to itself it looks at the content and has Ghostscript run an EPS file,
whatever the file is called."""
UNKNOWN_SPACING = "raster image without physical spacing: 1 mm was assumed, distances are in pixels"
AFFINE = np.array([[0.0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""Index (row, column) laid as an axial slice seen from below, 1 mm: rows to posterior, columns to left."""


def read_picture(path: Path) -> Image:
    """Read one picture as ``(1 or 3, rows, columns)``; gray and RGB keep 16 bit.

    Alpha is dropped, palettes are resolved, the EXIF rotation is applied: each with a note. PNG and JPEG carry no
    place in the patient, and the dots per inch that they may state are those of a print: spacing is 1 with a note,
    and ``source['spacing_known']`` is False.

    Raises
    ------
    InputError
        Missing, truncated or damaged file, several pages, an absurd size.
    """
    path = Path(path)
    array, notes = picture_array(path)
    source = {"path": str(path), "spacing_known": False}
    return Image(array, AFFINE.copy(), source=source, notes=(UNKNOWN_SPACING, *notes))


def picture_array(path: Path) -> tuple[NDArray[Any], list[str]]:
    """One picture as ``(1 or 3, rows, columns)`` with what was changed. Raises InputError as `read_picture`."""
    image, deep, notes = _open(path)
    mode = image.mode
    if deep is not None:
        array = deep
    elif mode in DEEP:
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
    return np.ascontiguousarray(array), notes


def read_label_picture(path: Path) -> NDArray[Any]:
    """Read a label picture of one page as ``(rows, columns)`` integers as stored: palette indices, never colours.

    Raises
    ------
    InputError
        As `read_picture`, or a colour picture, whose values are no labels.
    """
    path = Path(path)
    image, _, _ = _open(path, transpose=False)
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


def _open(path: Path, transpose: bool = True) -> tuple[Pillow.Image, NDArray[np.uint16] | None, list[str]]:
    """The decoded picture, its colours where they have 16 bit, and what was changed."""
    notes: list[str] = []
    with reading(path, "a picture"):
        content = path.read_bytes()
        with Pillow.open(io.BytesIO(content), formats=PILLOW_FORMATS) as image:
            pages = getattr(image, "n_frames", 1)
            if image.format == "MPO":
                notes.append(
                    f"the first of {pages} pictures in the file; cameras add previews and depth maps"
                )
            elif pages != 1:
                raise InputError(f"{path}: has {pages} pages, expected one picture")
            args = str(image.tile[0][3]) if image.tile else ""
            deep = _deep_colour(content, image) if "16" in args and image.mode in ("RGB", "RGBA") else None
            if "16" in args and image.mode not in DEEP and deep is None:
                notes.append("16 bit reduced to 8 bit")
            image.load()
            turn = image.getexif().get(0x0112, 1) if transpose else 1
            result = image.copy() if turn == 1 else ImageOps.exif_transpose(image)
            if turn != 1:
                notes.append("rotated as the EXIF orientation says")
            return result, None if deep is None else oriented(deep, turn), notes


def _deep_colour(content: bytes, image: Pillow.Image) -> NDArray[np.uint16] | None:
    """Colour of 16 bit as ``(rows, columns, 3)``; None where it comes in another layout than known here.

    Pillow's RGB has 8 bit. Its decoders give the upper bytes or, told the other byte order, the lower ones: the
    picture is decoded once more, and both make up the whole value.
    """
    halves = []
    swapped = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
    for change in (False, True):
        with Pillow.open(io.BytesIO(content), formats=PILLOW_FORMATS) as half:
            tiles = []
            for tile in half.tile:
                args = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
                kind, _, order = str(args[0]).partition(";")
                if kind != image.mode or order not in swapped:
                    return None
                new = (f"{kind};{swapped[order]}", *args[1:]) if change else args
                tiles.append(tile._replace(args=new if isinstance(tile[3], tuple) else new[0]))
            half.tile = tiles
            half.load()
            halves.append(np.asarray(half)[..., :3].astype(np.uint16))
    return (halves[0] << 8 | halves[1]).astype(np.uint16, copy=False)


def oriented(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """``(rows, columns, ...)`` turned upright from EXIF or TIFF ``orientation`` 1 to 8 (TIFF 6.0, tag 274)."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array
