"""Where on a slide there is tissue, and the tiles that show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.image import Image
from overread.imaging.slides.slide import Slide

LEAST_SATURATION = 0.05
"""Glass itself reaches this: without tissue Otsu's threshold would only split the noise."""


def otsu(values: NDArray[np.floating], *, bins: int = 256) -> float:
    """Threshold that parts values into two classes of the largest variance between them.

    Otsu 1979, doi 10.1109/TSMC.1979.4310076, on a histogram of ``bins`` between the extremes; the centre of the last
    bin of the lower class. Constant values are returned as they are. Raises ValueError without finite values.
    """
    flat = np.asarray(values, np.float64).ravel()
    if not flat.size or not np.isfinite(flat).all():
        raise ValueError(f"otsu: found {flat.size} values, expected one or more, all finite")
    if flat.min() == flat.max():
        return float(flat[0])
    counts, edges = np.histogram(flat, bins)
    centres = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * centres) / np.maximum(below, 1)
    mean_above = (np.cumsum((counts * centres)[::-1]) / np.maximum(above[::-1], 1))[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(centres[int(np.argmax(between))])


@dataclass(frozen=True)
class Tissue:
    """``mask`` ``(rows, columns)`` over the whole slide; ``scale``: its pixels in pixels of the finest level."""

    mask: NDArray[np.bool_]
    scale: float
    threshold: float

    def share(self, x: float, y: float, width: float, height: float) -> float:
        """Share of tissue in a rectangle given in pixels of the finest level; outside of the slide is none."""
        top, bottom = (int(np.floor(y / self.scale)), int(np.ceil((y + height) / self.scale)))
        left, right = (int(np.floor(x / self.scale)), int(np.ceil((x + width) / self.scale)))
        part = self.mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        return float(part.sum()) / max((bottom - top) * (right - left), 1)


def tissue_mask(slide: Slide, *, most: int = 1024, median: int = 7) -> Tissue:
    """Tissue by its colour: Otsu's threshold on the HSV saturation of an overview.

    As in CLAM (Lu 2021, doi 10.1038/s41551-020-00682-w): saturation, median filter over ``median`` pixels, Otsu. The
    threshold is at least 0.05, so that an empty slide has no tissue. Pen marks and dust in colour count as tissue.

    Raises
    ------
    InputError
        A slide in gray, which has no saturation.
    """
    from scipy import ndimage

    picture = slide.overview(most)
    if len(picture.array) != 3:
        raise InputError(f"{slide.path}: is in gray; tissue is found by its colour")
    rgb = picture.array.astype(np.float32)
    high, low = rgb.max(axis=0), rgb.min(axis=0)
    saturation = np.divide(high - low, high, out=np.zeros_like(high), where=high > 0)
    saturation = ndimage.median_filter(saturation, median)
    threshold = max(otsu(saturation), LEAST_SATURATION)
    return Tissue(saturation > threshold, max(slide.size) / max(picture.spatial), threshold)


@dataclass(frozen=True)
class Tile:
    """A tile: its place in the grid of tiles, its upper left corner on the finest level, its tissue, its pixels."""

    row: int
    column: int
    x: int
    y: int
    tissue: float | None
    image: Image


def tiles(
    slide: Slide,
    size: int = 256,
    *,
    level: int | None = None,
    mpp: float | None = None,
    overlap: int = 0,
    tissue: Tissue | None = None,
    min_tissue: float = 0.0,
) -> Iterator[Tile]:
    """Square tiles of ``size`` pixels, row by row, read when they are asked for: one at a time is in memory.

    Neighbours share ``overlap`` pixels; the last tiles of a row or column reach beyond the slide, into background. With
    ``tissue`` those with less than ``min_tissue`` of it are passed over without being read.

    Raises
    ------
    ValueError
        An overlap as large as the tile, ``min_tissue`` outside of 0 to 1 or without ``tissue``; as `Slide.read_region`.
    """
    if size < 1 or not 0 <= overlap < size or not 0 <= min_tissue <= 1:
        raise ValueError(
            f"tiles: found size {size}, overlap {overlap}, min_tissue {min_tissue}; "
            "expected an overlap below the size and a share from 0 to 1"
        )
    if min_tissue > 0 and tissue is None:
        raise ValueError("tiles: min_tissue needs the tissue; pass tissue=tissue_mask(slide)")
    if (level is None) == (mpp is None):
        raise ValueError(f"tiles: found level {level} and mpp {mpp}; give one of the two")
    scale = slide.scale(level=level, mpp=mpp)
    # Full width and height in pixels of the tiles' own resolution; rounding adds no column of slivers.
    width, height = (max(1, round(n / s)) for n, s in zip(slide.size, scale, strict=True))
    step = size - overlap
    for row, top in enumerate(range(0, max(height - overlap, 1), step)):
        for column, left in enumerate(range(0, max(width - overlap, 1), step)):
            x, y = round(left * scale[0]), round(top * scale[1])
            share = None if tissue is None else tissue.share(x, y, size * scale[0], size * scale[1])
            if share is not None and share < min_tissue:
                continue
            image = slide.read_region((x, y), (size, size), level=level, mpp=mpp)
            yield Tile(row, column, x, y, share, image)
