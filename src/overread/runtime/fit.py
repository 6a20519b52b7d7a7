"""Where an image lies in the network's grid when its shape is kept: in the middle, among padding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overread.imaging.boxes import Boxes
from overread.runtime.manifest import Preprocess


def place(size: tuple[int, ...], spec: Preprocess) -> tuple[slice, ...]:
    """Where an image of ``size`` on the network's spacing lies in its grid: in the middle, if it does not fill it."""
    whole = grid_of(size, spec)
    starts = [(most - n) // 2 for most, n in zip(whole, size, strict=True)]
    return tuple(slice(start, start + n) for start, n in zip(starts, size, strict=True))


def grid_of(size: tuple[int, ...], spec: Preprocess) -> tuple[int, ...]:
    """The network's grid around an image of ``size`` on its spacing."""
    return tuple(spec.size) if spec.size and spec.fit == "pad" else size


def padded(array: NDArray[np.float32], inside: tuple[slice, ...], spec: Preprocess) -> NDArray[np.float32]:
    """``(channels, *spatial)`` in its place on the network's grid, among each channel's least value."""
    whole = grid_of(array.shape[1:], spec)
    if whole == array.shape[1:]:
        return array
    out = np.empty((len(array), *whole), np.float32)
    out[:] = array.min(axis=tuple(range(1, array.ndim)), keepdims=True)
    out[(slice(None), *inside)] = array
    return out


def placed(boxes: Boxes, size: tuple[int, ...], spec: Preprocess) -> Boxes:
    """Boxes on an image of ``size`` as boxes on the network's grid around it."""
    starts = np.array([part.start for part in place(size, spec)], float)
    return replace(boxes, low=boxes.low + starts, high=boxes.high + starts)
