"""TIFF: pictures, stacks of pages, OME-TIFF and ImageJ files, with the spacing that they state.

Formats: TIFF 6.0 (Adobe, 1992); OME-TIFF (docs.openmicroscopy.org/ome-model). Tags and metadata are read by
tifffile; compressed pages that it cannot unpack by itself are decoded by Pillow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.formats.limits import SETTING, largest_image
from overread.imaging.formats.raster import (
    AFFINE,
    UNKNOWN_SPACING,
    oriented,
    picture_array,
    read_label_picture,
)
from overread.imaging.formats.voxels import plain, reading
from overread.imaging.image import LPS_TO_RAS, Image

RATIO = 3000
"""No LZW or deflate stream unpacks to more than 2731 times its size."""
LARGEST_PYRAMID = 1 << 26
"""Bytes of the largest image with smaller copies of itself that is read at once: larger ones are whole slides."""
SCREEN_DPI = (72, 96)
"""What programs write where nobody measured."""
MM_PER = {
    "nm": 1e-6,
    "µm": 1e-3,
    "um": 1e-3,
    "micron": 1e-3,
    "microns": 1e-3,
    "mm": 1.0,
    "cm": 10.0,
    "inch": 25.4,
    "in": 25.4,
    "m": 1000.0,
}


def read_tiff(path: Path) -> Image:
    """Read a TIFF: one page gives ``(channels, rows, columns)``, several ``(channels, columns, rows, slices)``.

    Spacing comes from OME or ImageJ metadata, else from the resolution tags unless they state a screen's 72 or 96
    dots per inch; where nothing states it, it is 1 with a note and ``source['spacing_known']`` is False. A stack
    without a stated distance of slices takes 1 mm for it, likewise. Palettes are resolved, alpha is dropped,
    min-is-white is inverted, the orientation tag is applied: each with a note.

    Raises
    ------
    InputError
        Missing, truncated or damaged file; pages of different sizes; several time points or images; a whole slide;
        an absurd size; a compression or colour model that cannot be decoded.
    """
    path = Path(path)
    with reading(path, "TIFF"):
        array, spacing, notes = _read(path, labels=False)
        unknown: dict[str, Any] = {}
        if array.ndim == 3:
            affine = AFFINE.copy()
            if spacing[0] is None or spacing[1] is None:
                unknown["spacing_known"] = False
                notes.insert(0, UNKNOWN_SPACING)
            else:
                affine[:, :2] *= (spacing[0], spacing[1])
        else:
            array = array.transpose(0, 3, 2, 1)
            if any(s is None for s in spacing):
                unknown["spacing_known"] = False
                missing = " and ".join(
                    n
                    for n, s in (("distance of slices", spacing[2]), ("size of pixels", spacing[0]))
                    if s is None
                )
                notes.insert(0, f"the file states no {missing}: 1 mm was assumed")
            notes.append("pages were taken for slices from inferior to superior, seen from below")
            rows, columns, slices = (1.0 if s is None else s for s in spacing)
            affine = LPS_TO_RAS @ np.diag([columns, rows, slices, 1.0])
        values, more = plain(array)
        return Image(
            np.require(values, requirements=["C", "W"]),
            affine,
            source={"path": str(path), **unknown},
            notes=(*notes, *more),
        )


def read_label_tiff(path: Path) -> NDArray[Any]:
    """Labels as stored: ``(rows, columns)`` of one page, ``(columns, rows, slices)`` of several.

    Raises
    ------
    InputError
        As `read_tiff`, or colours or real numbers, which are no labels.
    """
    with reading(path, "TIFF"):
        import tifffile

        _check_pages(path)
        with tifffile.TiffFile(path) as file:
            if len(file.pages) == 1 and file.series and len(file.series[0].shape) == 2:
                return read_label_picture(path)
        array, _, _ = _read(path, labels=True)
        if len(array) != 1 or array.dtype.kind not in "biu":
            raise InputError(
                f"{path}: has {len(array)} channels of {array.dtype}; a label image holds one integer per pixel"
            )
        labels = array[0].T
        return labels.astype(np.uint8) if labels.dtype == bool else labels


def _read(path: Path, labels: bool) -> tuple[NDArray[Any], list[float | None], list[str]]:
    """``(C, rows, columns)`` or ``(C, slices, rows, columns)``, spacing of rows, columns, slices in mm, notes."""
    import tifffile

    _check_pages(path)
    with tifffile.TiffFile(path) as file:
        if not file.series:
            raise InputError(f"{path}: holds no picture")
        series = file.series[0]
        sizes = dict(zip(series.axes, series.shape, strict=True))
        _check(path, file, series, sizes)
        first = series.keyframe
        spacing = _spacing(file, first)
        orientation = int(first.tags.valueof("Orientation", 1))
        if not 1 <= orientation <= 8:
            orientation = 1
        if orientation >= 5:
            spacing[:2] = spacing[1::-1]
        single = len(file.pages) == 1 and set(sizes) <= {"Y", "X", "S"}
        if single and not labels and first.dtype in (np.uint8, np.bool_) and sizes.get("S", 1) <= 4:
            array, notes = picture_array(path)
            by_pillow = True
        else:
            array, by_pillow = _pixels(path, file, series)
            array, notes = _colours(path, array, series.axes, first, labels, by_pillow)
        if orientation != 1 and not labels:
            if not by_pillow:
                array = np.moveaxis(
                    oriented(np.moveaxis(array, (-2, -1), (0, 1)), orientation), (0, 1), (-2, -1)
                )
            notes.append("rotated as the orientation tag says")
        return array, spacing, notes


def _check_pages(path: Path) -> None:
    """Raise InputError where a page that the one before it names lies beyond the end of the file.

    tifffile gives the pages that are there and only logs that others are not. Source: TIFF 6.0 section 2, and the
    BigTIFF extension of it (version 43).
    """
    size = path.stat().st_size
    with path.open("rb") as f:
        head = f.read(16)
        order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
        big = int.from_bytes(head[2:4], order) == 43
        count_bytes, entry, offset_bytes = (8, 20, 8) if big else (2, 12, 4)
        at = int.from_bytes(head[8:16] if big else head[4:8], order)
        seen: set[int] = set()
        while at and at not in seen:
            seen.add(at)
            f.seek(at)
            after = at + count_bytes + entry * int.from_bytes(f.read(count_bytes), order)
            if after + offset_bytes > size:
                raise InputError(
                    f"{path}: is truncated: page {len(seen)} begins at byte {at} of {size}; copy it again"
                )
            f.seek(after)
            at = int.from_bytes(f.read(offset_bytes), order)


def _check(path: Path, file: Any, series: Any, sizes: dict[str, int]) -> None:
    size = int(np.prod(series.shape, dtype=object)) * series.dtype.itemsize
    what = f"{sizes.get('X')} x {sizes.get('Y')} pixels"
    if size > largest_image() or (series.is_pyramidal and size > LARGEST_PYRAMID):
        raise InputError(
            f"{path}: is a picture of {what}, {size / 2**30:.1f} GiB, too large to read at once; whole slides are read "
            f"in parts by overread.imaging.read_slide, other images once {SETTING} (GiB) is set higher"
        )
    if size > path.stat().st_size * RATIO:
        raise InputError(f"{path}: is truncated: {path.stat().st_size} bytes cannot hold {what}")
    if len(file.series) > 1:
        shapes = ", ".join(str(tuple(s.shape)) for s in file.series[:5])
        raise InputError(
            f"{path}: holds {len(file.series)} images of shapes {shapes}, expected one; split it first"
        )
    if sizes.get("T", 1) > 1:
        raise InputError(f"{path}: has {sizes['T']} time points, expected one; split it first")
    depth = [a for a, n in zip(series.axes, series.shape, strict=True) if a not in "YXSCT" and n > 1]
    if len(depth) > 1 or min(series.shape, default=0) < 1 or not {"Y", "X"} <= set(sizes):
        raise InputError(
            f"{path}: has axes {series.axes} of {tuple(series.shape)}, expected rows, columns, slices"
        )


def _pixels(path: Path, file: Any, series: Any) -> tuple[NDArray[Any], bool]:
    """The pixels in the series' own axes, and whether Pillow decoded them: inverted and turned upright, then."""
    try:
        return series.asarray(maxworkers=1), False
    except Exception as error:
        if not _needs_codec(error):
            raise
    # Pillow brings libtiff's LZW, JPEG, PackBits, CCITT, WebP and ZSTD.
    from PIL import Image as Pillow

    pages = []
    with Pillow.open(path, formats=("TIFF",)) as image:
        for page in series.pages:
            image.seek(page.index)
            array = np.asarray(image)
            if array.shape != page.shape or array.dtype.kind != page.dtype.kind:
                raise InputError(
                    f"{path}: page {page.index} of {page.dtype} {page.shape} is packed by "
                    f"{page.compression.name}, which cannot be decoded here; save it uncompressed or deflated"
                )
            pages.append(array.astype(page.dtype))
    return np.stack(pages).reshape(series.shape), True


def _needs_codec(error: Exception) -> bool:
    return "imagecodecs" in str(error) or isinstance(error, ModuleNotFoundError)


def _colours(
    path: Path, array: NDArray[Any], axes: str, page: Any, labels: bool, by_pillow: bool
) -> tuple[NDArray[Any], list[str]]:
    """``(C, [slices,] rows, columns)`` with the colour model resolved."""
    notes: list[str] = []
    # Axes of one voxel other than rows and columns, and the unnamed ones: slices.
    order = [a for a in axes if a not in "YXSC"]
    depth = next((a for a in order if array.shape[axes.index(a)] > 1), order[0] if order else None)
    drop = tuple(axes.index(a) for a in order if a != depth)
    array = array.squeeze(drop)
    left = "".join(a for k, a in enumerate(axes) if k not in drop)
    for letter in "CS":
        if letter not in left:
            array, left = array[None], letter + left
    array = array.transpose([left.index(a) for a in ("C", "S", *([depth] if depth else []), "Y", "X")])
    samples = array.shape[1]
    photometric = page.photometric.name if page.photometric is not None else "MINISBLACK"
    if photometric == "PALETTE" and not labels:
        table = np.asarray(page.colormap)
        array = (table[:, array[:, 0]] >> 8).astype(np.uint8).swapaxes(0, 1)
        notes.append("colours resolved from a palette to RGB")
    elif photometric == "RGB" and samples > 3:
        array = array[:, :3]
        notes.append("transparency dropped")
    elif photometric in ("MINISBLACK", "MINISWHITE") and samples == 2 and page.extrasamples:
        array = array[:, :1]
        notes.append("transparency dropped")
    elif photometric not in ("MINISBLACK", "MINISWHITE", "RGB", "PALETTE"):
        raise InputError(
            f"{path}: colours are {photometric}, expected gray, RGB or a palette; convert it first"
        )
    if photometric == "MINISWHITE" and not by_pillow and not labels:
        if array.dtype.kind not in "bu":
            raise InputError(f"{path}: min-is-white of {array.dtype} cannot be inverted; convert it first")
        array = ~array
        notes.append("min-is-white inverted")
    return array.reshape(-1, *array.shape[2:]), notes


def _spacing(file: Any, page: Any) -> list[float | None]:
    """mm between rows, columns and slices; None where the file does not state it."""
    if file.is_ome:
        import tifffile

        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
        pixels = (pixels[0] if isinstance(pixels, list) else pixels)["Pixels"]
        return [_ome_length(pixels, axis) for axis in "YXZ"]
    unit = {2: 25.4, 3: 10.0}.get(int(page.tags.valueof("ResolutionUnit", 2)))
    slices: float | None = None
    if file.is_imagej:
        about = file.imagej_metadata or {}
        unit = MM_PER.get(str(about.get("unit", "")).replace("\\u00B5", "µ").lower())
        slices = float(about["spacing"]) * unit if "spacing" in about and unit else None
    found: list[float | None] = []
    for name in ("YResolution", "XResolution"):
        top, bottom = page.tags.valueof(name, (0, 1))
        per_unit = top / bottom if bottom else 0.0
        screen = not file.is_imagej and unit == 25.4 and round(per_unit) in SCREEN_DPI
        # One dot per inch or centimetre stands for "no unit" in files of many programs.
        known = unit is not None and per_unit > 0 and (file.is_imagej or per_unit != 1) and not screen
        found.append(unit / per_unit if known and unit is not None else None)
    return [*found, slices]


def _ome_length(pixels: dict[str, Any], axis: str) -> float | None:
    value = pixels.get(f"PhysicalSize{axis}")
    unit = MM_PER.get(str(pixels.get(f"PhysicalSize{axis}Unit", "µm")).replace("μ", "µ"))
    return float(value) * unit if value is not None and unit is not None and float(value) > 0 else None
