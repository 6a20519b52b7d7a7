"""The picture on the status page: the slice with most to see, the finding outlined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.imaging.image import Image
from overread.imaging.picture import (
    best_slice,
    caption,
    fit_box,
    overlay,
    pixel_spacing,
    png_bytes,
    slice_of,
    window_to_uint8,
)

LONGEST_SIDE = 640


def draw(image: Image, mask: NDArray[np.uint8] | None, *, virtual: bool) -> bytes:
    """PNG of the slice with the largest finding, or of the middle slice where nothing was found.

    Pixels are made square from the image's spacing; "virtual patient" is written below where it applies.
    """
    shown = np.zeros(image.spatial, np.uint8) if mask is None else mask
    plane, labels = slice_of(image, best_slice(shown), shown)
    apart = pixel_spacing(image)
    gray = fit_box(window_to_uint8(plane), LONGEST_SIDE, apart)
    picture = overlay(gray, fit_box(labels, LONGEST_SIDE, apart, labels=True))
    text = "Research use only. Not for diagnosis."
    return png_bytes(caption(picture, f"Virtual patient. {text}" if virtual else text))
