"""A piece of a prepared image, of the size that the network takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def centre_patch(
    array: NDArray[np.float32], patch: Sequence[int], centre: Sequence[int] | None = None
) -> NDArray[np.float32]:
    """``(channels, *spatial)`` cut or padded to ``(channels, *patch)``.

    Cut around ``centre`` (a voxel index; the middle by default), moved so far that the patch lies inside the
    array; an axis shorter than the patch is padded on both sides by its edge values, the odd one after it.
    Raises ValueError on another count of axes.
    """
    spatial = array.shape[1:]
    if len(patch) != len(spatial) or (centre is not None and len(centre) != len(spatial)):
        raise ValueError(f"patch {tuple(patch)} at {centre}: expected {len(spatial)} numbers each")
    for axis, (n, p) in enumerate(zip(spatial, patch, strict=True)):
        if n >= p:
            start = (n - p) // 2 if centre is None else min(max(centre[axis] - p // 2, 0), n - p)
            array = np.take(array, np.arange(start, start + p), axis + 1)
        else:
            widths = [(0, 0)] * array.ndim
            widths[axis + 1] = ((p - n) // 2, p - n - (p - n) // 2)
            array = np.pad(array, widths, mode="edge")
    return np.ascontiguousarray(array)
