"""Boxes on pictures: how large the picture is, and what a box must be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from overread.cohort.adapters.result import box
from overread.errors import InputError
from overread.imaging.formats.raster import PILLOW_FORMATS

ORIENTATION = 0x0112


def picture_size(path: Path) -> tuple[int, int]:
    """Columns and rows of a picture, from its header.

    Raises
    ------
    InputError
        Missing or unreadable file; a picture that EXIF turns, for then nobody knows which way its boxes run.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; it belongs to the data set, download it too")
    try:
        with Pillow.open(path, formats=PILLOW_FORMATS) as picture:
            turned = picture.getexif().get(ORIENTATION, 1) != 1
            columns, rows = picture.size
    except Exception as error:
        cause = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as a picture ({cause}); download it again") from error
    if turned:
        raise InputError(
            f"{path}: is turned by its EXIF orientation, and its boxes may be drawn on either view; "
            "save it upright without that tag, and see that the boxes fit"
        )
    return columns, rows


def box_within(
    label: str, corners: Sequence[float], size: tuple[int, int], where: str, **more: Any
) -> tuple[dict[str, Any], bool]:
    """One object of a boxes file, cut at the picture's rim, and whether anything was cut.

    Raises
    ------
    InputError
        A box without extent, or off the picture; ``where`` names it.
    """
    whole = box(label, corners, where, **more)
    x0, y0, x1, y1 = corners
    columns, rows = size
    cut = [max(x0, 0), max(y0, 0), min(x1, columns), min(y1, rows)]
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        shown = ", ".join(f"{v:g}" for v in corners)
        raise InputError(
            f"{where}: box [{shown}] lies off the picture of {columns} x {rows} pixels; correct or remove it"
        )
    return (box(label, cut, where, **more), True) if cut != [x0, y0, x1, y1] else (whole, False)
