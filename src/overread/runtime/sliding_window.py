"""Sliding windows over an image of any size, blended with separable Gaussian weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

WEIGHT_FLOOR = 1e-2
OVERLAP = 0.5


@lru_cache(maxsize=64)
def _weight(size: int) -> NDArray[np.float32]:
    """Gaussian of sigma size/8 along one axis, never below the floor (Isensee 2021, doi 10.1038/s41592-020-01008-z)."""
    x = np.arange(size) - (size - 1) / 2
    return np.maximum(np.exp(-0.5 * (x / (size / 8)) ** 2), WEIGHT_FLOOR).astype(np.float32)


def starts(length: int, size: int, overlap: float) -> list[int]:
    """Window starts along one axis: evenly spread, the first at 0 and the last flush with the end.

    Neighbours overlap by at least ``overlap`` (a fraction of ``size``). ``length`` must be >= ``size``.
    """
    step = max(1, int(size * (1 - overlap)))
    count = 1 + -(-(length - size) // step)
    return [round(i) for i in np.linspace(0, length - size, count)]


def windows(spatial: Sequence[int], size: Sequence[int], overlap: float) -> Iterator[tuple[slice, ...]]:
    """Slices of every window, first axis slowest."""
    for corner in product(*(starts(n, s, overlap) for n, s in zip(spatial, size, strict=True))):
        yield tuple(slice(a, a + s) for a, s in zip(corner, size, strict=True))


def sliding_window(
    array: NDArray[np.float32],
    size: Sequence[int],
    overlap: float,
    predict: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    batch: int = 1,
) -> NDArray[np.float32]:
    """Weighted mean of ``predict`` over all windows.

    Parameters
    ----------
    array
        ``(channels, *spatial)``; axes shorter than a window are padded by their edge values and cut off again.
    size
        Window size in voxels.
    predict
        ``(batch, channels, *size)`` to ``(batch, labels, *size)``.

    Returns
    -------
    ``(labels, *spatial)``. A constant prediction comes out constant: weights are divided by their own sum.
    """
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap: found {overlap}, expected 0 <= overlap < 1")
    spatial = array.shape[1:]
    short = [max(0, s - n) for n, s in zip(spatial, size, strict=True)]
    before = [m // 2 for m in short]
    if any(short):
        pads = [(0, 0), *((b, m - b) for b, m in zip(before, short, strict=True))]
        array = np.pad(array, pads, mode="edge")
    padded = array.shape[1:]
    axes = [_weight(s) for s in size]
    weight = axes[0]
    for w in axes[1:]:
        weight = weight[..., None] * w
    total: NDArray[np.float32] | None = None
    where = list(windows(padded, size, overlap))
    for first in range(0, len(where), batch):
        part = where[first : first + batch]
        out = predict(np.ascontiguousarray(np.stack([array[(slice(None), *w)] for w in part])))
        if total is None:
            total = np.zeros((out.shape[1], *padded), np.float32)
        for place, o in zip(part, out, strict=True):
            total[(slice(None), *place)] += o * weight
    assert total is not None
    # The sum of separable weights over a grid of windows is itself separable: one reciprocal per axis.
    for axis, (n, s, w) in enumerate(zip(padded, size, axes, strict=True)):
        line = np.zeros(n, np.float32)
        for a in starts(n, s, overlap):
            line[a : a + s] += w
        total /= line.reshape([-1 if i == axis + 1 else 1 for i in range(total.ndim)])
    cut = tuple(slice(b, b + n) for b, n in zip(before, spatial, strict=True))
    return total[(slice(None), *cut)]
