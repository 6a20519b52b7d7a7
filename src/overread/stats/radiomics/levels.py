"""Grey values as whole levels, and the places of the neighbours that texture is read from."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.arrays import Bools, Ints
from overread.stats.segmentation.masks import bounding_box

Offset = tuple[int, ...]


def region(image: ArrayLike, mask: ArrayLike) -> tuple[NDArray[np.float64], Bools]:
    """Image and mask cut to the mask's bounding box.

    Raises ValueError for different shapes, an empty mask, other than 2 or 3 axes, or values inside that are not finite.
    """
    values, inside = np.asarray(image, np.float64), np.asarray(mask) != 0
    if values.shape != inside.shape or inside.ndim not in (2, 3):
        raise ValueError(
            f"image has shape {values.shape}, mask {inside.shape}; expected the same, of 2 or 3 axes"
        )
    if not inside.any():
        raise ValueError("the mask is empty; expected one voxel or more")
    box = bounding_box(inside)
    values, inside = values[box], inside[box]
    if not np.isfinite(values[inside]).all():
        raise ValueError("the image holds NaN or infinite values inside the mask")
    return values, inside


def levels_of(
    image: NDArray[np.float64], mask: Bools, *, bin_width: float | None = None, bins: int | None = None
) -> Ints:
    """Levels from 1 on inside the mask, 0 outside.

    ``bin_width``: fixed width; edges lie at its multiples (as PyRadiomics has them, not at the smallest value, so that
    one grey value has one place in every case). ``bins``: so many of equal width between smallest and largest value.
    Exactly one is given (IBSI reference manual 2.7). Raises ValueError else.
    """
    if (bin_width is None) is (bins is None):
        raise ValueError(f"found bin_width {bin_width} and bins {bins}, expected one of them")
    values = image[mask]
    out = np.zeros(image.shape, np.int64)
    if bin_width is not None:
        if not bin_width > 0:
            raise ValueError(f"bin_width is {bin_width}, expected more than 0")
        step = np.floor(values / bin_width)
        out[mask] = (step - step.min()).astype(np.int64) + 1
        return out
    assert bins is not None
    if bins < 1:
        raise ValueError(f"bins is {bins}, expected 1 or more")
    low, high = float(values.min()), float(values.max())
    if high == low:
        out[mask] = 1
        return out
    out[mask] = np.minimum(np.floor(bins * (values - low) / (high - low)), bins - 1).astype(np.int64) + 1
    return out


def directions(axes: int) -> list[Offset]:
    """One of each pair of opposite neighbours: 13 in 3D, 4 in the plane."""
    every = [d for d in product((-1, 0, 1), repeat=axes) if any(d)]
    return [d for d in every if d > tuple(-x for x in d)]


def shifted(shape: tuple[int, ...], offset: Offset) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where voxels lie that have a neighbour at ``offset``, and where these neighbours lie."""
    here = tuple(slice(max(0, -d), n - max(0, d)) for n, d in zip(shape, offset, strict=True))
    there = tuple(slice(max(0, d), n - max(0, -d)) for n, d in zip(shape, offset, strict=True))
    return here, there


def entropy(p: NDArray[np.float64]) -> float:
    """In bits."""
    some = p[p > 0]
    return float(-(some * np.log2(some)).sum())
