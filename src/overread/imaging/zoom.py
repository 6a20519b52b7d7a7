"""Separable resizing of arrays: one small matrix per axis, applied by matrix products in float32."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

ORDERS = (0, 1, 3)


@lru_cache(maxsize=64)
def zoom_matrix(n: int, m: int, order: int) -> NDArray[np.float32]:
    """``(m, n)`` matrix that takes an axis of n voxels to m by a spline of ``order`` 1 or 3.

    Pixel-area convention: the whole field of view is kept, not the centres of the outermost voxels.
    When enlarging it equals `scipy.ndimage.zoom` with ``grid_mode=True, mode="nearest"``. When
    shrinking, a Gaussian of sigma ``(n / m - 1) / 2`` voxels comes first against aliasing, as in
    scikit-image's ``resize``. Rows sum to 1, so a constant stays constant.
    """
    from scipy import ndimage

    matrix = np.eye(n)
    if m < n:
        matrix = ndimage.gaussian_filter1d(matrix, (n / m - 1) / 2, axis=0, mode="nearest")
    if m != n:
        matrix = ndimage.zoom(matrix, (m / n, 1), order=order, mode="nearest", grid_mode=True)
        matrix /= matrix.sum(axis=1, keepdims=True)
    result = matrix.astype(np.float32)
    result.setflags(write=False)
    return result


def nearest_index(n: int, m: int) -> NDArray[np.intp]:
    """``(m,)`` index of the old voxel whose cell holds each new voxel's centre; ties go up."""
    return ((2 * np.arange(m) + 1) * n) // (2 * m)


def resize_array(array: NDArray[Any], size: Sequence[int], order: int) -> NDArray[Any]:
    """Resize ``(C, *spatial)`` to ``(C, *size)``.

    ``order`` 0 takes the nearest voxel and keeps the type: the way for labels. Orders 1 and 3 are
    linear and cubic splines, give float32, and smooth before shrinking; see `zoom_matrix`.

    Raises
    ------
    ValueError
        Another order, another count of axes, or a size below 1.
    """
    if order not in ORDERS:
        raise ValueError(f"order: found {order}, expected one of {ORDERS}")
    if len(size) != array.ndim - 1 or min(size) < 1:
        raise ValueError(f"size: found {tuple(size)} for {array.ndim - 1} spatial axes of 1 voxel or more")
    if order == 0:
        for axis, m in enumerate(size, 1):
            if array.shape[axis] != m:
                array = np.take(array, nearest_index(array.shape[axis], m), axis=axis)
        return array
    array = array.astype(np.float32, copy=False)
    # Axes that shrink most come first: every later product is then smaller.
    for axis in sorted(range(1, array.ndim), key=lambda a: size[a - 1] / array.shape[a]):
        if array.shape[axis] != size[axis - 1]:
            array = _along(zoom_matrix(array.shape[axis], int(size[axis - 1]), order), array, axis)
    return array


def _along(matrix: NDArray[np.float32], array: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """``matrix`` applied along one axis, without moving axes about in memory."""
    before, after = array.shape[:axis], array.shape[axis + 1 :]
    if not after:
        return array @ matrix.T
    flat = array.reshape(int(np.prod(before)), array.shape[axis], int(np.prod(after)))
    return np.matmul(matrix, flat).reshape(*before, len(matrix), *after)
