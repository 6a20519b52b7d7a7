"""Colour and grey: what the channels of an image become, without touching its geometry."""

from __future__ import annotations

import numpy as np

from overread.errors import InputError
from overread.imaging.image import Image

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in luma. Source: ITU-R BT.601-7 section 2.5.1."""


def to_gray(image: Image) -> Image:
    """One gray channel from RGB by luma (BT.601); integers are rounded and keep their type.

    Raises InputError unless the image has 1 or 3 channels.
    """
    if len(image.array) == 1:
        return image
    _check_rgb(image)
    gray = np.tensordot(LUMA, image.array.astype(np.float64), axes=1)
    gray = np.rint(gray) if image.array.dtype.kind in "iu" else gray
    return image.with_(array=gray.astype(image.array.dtype)[None], channels=("gray",))


def to_rgb(image: Image) -> Image:
    """Three equal channels from one; RGB stays. Raises InputError unless the image has 1 or 3 channels."""
    if len(image.array) == 3:
        return image
    if len(image.array) != 1:
        _check_rgb(image)
    return image.with_(array=np.repeat(image.array, 3, axis=0), channels=("red", "green", "blue"))


def _check_rgb(image: Image) -> None:
    if len(image.array) != 3:
        where = image.source.get("path") or "image"
        raise InputError(f"{where}: has {len(image.array)} channels, expected 1 (gray) or 3 (RGB)")
