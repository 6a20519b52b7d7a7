"""The picture on the status page: the slice with most to see, the finding outlined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.imaging.image import Image
from overread.imaging.picture import (
    best_slice,
    caption,
    overlay,
    png_bytes,
    slice_of,
    upright,
    window_to_uint8,
)

LONGEST_SIDE = 640


def draw(image: Image, mask: NDArray[np.uint8] | None, *, virtual: bool) -> bytes:
    """PNG of the slice with the largest finding, or of the middle slice where nothing was found.

    Pixels are made square from the image's spacing; "virtual patient" is written below where it applies.
    """
    shown = np.zeros(image.spatial, np.uint8) if mask is None else mask
    plane, labels = slice_of(image, best_slice(shown), shown)
    size = _square_size(plane.shape, *_step(image))
    gray = _resized(window_to_uint8(plane), size, Pillow.Resampling.BICUBIC)
    picture = overlay(gray, _resized(labels, size, Pillow.Resampling.NEAREST))
    text = "Research use only. Not for diagnosis."
    return png_bytes(caption(picture, f"Virtual patient. {text}" if virtual else text))


def _step(image: Image) -> tuple[float, float]:
    """Distance of rows and of columns in the picture, mm."""
    a, b = image.spacing[:2]
    if len(image.spatial) == 2:
        return a, b
    # Where the first axis lies in the picture, shown by an array that counts along it.
    along_first = upright(np.arange(2)[:, None].repeat(2, axis=1), image.affine)
    return (a, b) if along_first[0, 0] != along_first[1, 0] else (b, a)


def _square_size(shape: tuple[int, ...], row_step: float, column_step: float) -> tuple[int, int]:
    """Width and height in square pixels for a plane of ``(rows, columns)``."""
    height, width = shape[0] * row_step, shape[1] * column_step
    scale = LONGEST_SIDE / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resized(plane: NDArray[np.uint8], size: tuple[int, int], how: Pillow.Resampling) -> NDArray[np.uint8]:
    return np.asarray(Pillow.fromarray(np.ascontiguousarray(plane)).resize(size, how))
