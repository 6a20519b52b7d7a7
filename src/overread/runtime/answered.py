"""Which part of a prepared image is answered: around it is air, or what a coarse network left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MARGIN = 4
"""Around what is answered lies a quarter of a window of what was left out, so that its border is seen as it is."""


def bright_box(array: NDArray[np.float32], air: float) -> list[tuple[int, int]] | None:
    """First voxel and the one after the last of what exceeds ``air`` in some channel of ``(channels, *spatial)``, along
    each axis; None where nothing does."""
    lines = [np.zeros(n, bool) for n in array.shape[1:]]
    # A slice at a time: no mask of the whole image is held.
    for at in range(array.shape[1]):
        part: NDArray[np.bool_] = np.asarray((array[:, at] > air).any(axis=0))
        if not part.any():
            continue
        lines[0][at] = True
        for axis in range(part.ndim):
            lines[axis + 1] |= np.moveaxis(part, axis, 0).reshape(part.shape[axis], -1).any(axis=1)
    if not lines[0].any():
        return None
    where = [np.flatnonzero(line) for line in lines]
    return [(int(w[0]), int(w[-1]) + 1) for w in where]


def widened(box: Sequence[tuple[int, int]], spatial: Sequence[int], size: Sequence[int]) -> tuple[slice, ...]:
    """``box`` with a margin, and at least as long as a window of ``size``, as far as the image goes."""
    out = []
    for (low, high), n, s in zip(box, spatial, size, strict=True):
        low, high = max(0, low - s // MARGIN), min(n, high + s // MARGIN)
        missing = min(s, n) - (high - low)
        if missing > 0:
            low = min(max(0, low - missing // 2), n - min(s, n))
            high = low + min(s, n)
        out.append(slice(low, high))
    return tuple(out)
