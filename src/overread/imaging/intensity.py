"""Intensities: what the numbers of an image become, without touching its geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.image import Image

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in luma. Source: ITU-R BT.601-7 section 2.5.1."""


def zscore(array: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """``(array - mean) / deviation`` as float32, with both taken over ``mask`` (everywhere by default).

    A constant or empty mask gives deviation 1: the result is the difference from the mean (0 when empty).
    """
    values = array.astype(np.float32, copy=False)
    chosen = values if mask is None else values[mask]
    if not chosen.size:
        return values.copy()
    mean, std = float(chosen.mean(dtype=np.float64)), float(chosen.std(dtype=np.float64))
    # A deviation within rounding of the mean is that of a constant.
    if std <= 1e-6 * max(1.0, abs(mean)) * 1e-1:
        std = 1.0
    return ((values - np.float32(mean)) / np.float32(std)).astype(np.float32, copy=False)


def clip_scale(
    array: NDArray[Any], low: float | None, high: float | None, mean: float, std: float
) -> NDArray[np.float32]:
    """Clip to ``[low, high]`` (None: no limit), subtract ``mean``, divide by ``std``; float32."""
    if std <= 0:
        raise ValueError(f"std: found {std}, expected a number above 0")
    values = array.astype(np.float32)
    if low is not None or high is not None:
        np.clip(values, low, high, out=values)
    values -= np.float32(mean)
    values /= np.float32(std)
    return values


def percentiles(
    array: NDArray[Any], q: Sequence[float], mask: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Percentiles ``q`` (0 to 100) over ``mask``, linear between values; NaN where the mask is empty."""
    chosen = array if mask is None else array[mask]
    if not chosen.size:
        return np.full(len(q), np.nan)
    return np.percentile(chosen, q).astype(np.float64)


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
