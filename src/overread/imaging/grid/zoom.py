"""Separable resizing of arrays: one small matrix per axis, applied by blocks of matrix products.

A spline of order 1 or 3 on a regular grid is a product of one matrix per axis. The cubic one's rows fade by
0.27 a voxel (Unser 1999, doi 10.1109/79.799930), so that a block of rows needs few of the old voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from overread.imaging.grid.bounds import check_grid

ORDERS = (0, 1, 3)
ROWS = 32
"""Rows of a matrix in one block: enough for the matrix product's speed, few enough to skip most zeros."""
NEGLIGIBLE = 1e-9
"""Weights below this share of a row's sum are left out: less than the rounding of the float32 result."""
SMALL_PRODUCT = 1 << 18
"""Multiplications that OpenBLAS does in the calling thread: larger products wait for threads of other work."""
CHUNK = 1 << 17
"""Voxels that are handled at once in float64: they stay in the processor's cache."""


class Block(NamedTuple):
    """Rows ``to`` of a matrix, of which only the columns ``of`` are not negligible."""

    to: slice
    of: slice
    weights: NDArray[np.float64]


@lru_cache(maxsize=64)
def zoom_matrix(n: int, m: int, order: int) -> NDArray[np.float64]:
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
    matrix.setflags(write=False)
    return matrix


def sample_matrix(n: int, at: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """``(len(at), n)`` matrix that reads an axis of n voxels at the places ``at`` (in voxels); order 1 or 3.

    Beyond the outermost centres the outermost voxel goes on, as in `scipy.ndimage.map_coordinates` with
    ``mode="nearest"``. No smoothing. Rows sum to 1.
    """
    if order == 1:
        wide, pad = np.eye(n), 0
    else:
        wide, pad = _coefficients(n)
    places = np.clip(at, -0.5, n - 0.5) + pad
    floor = np.floor(places).astype(np.intp)
    t = (places - floor)[:, None]
    if order == 1:
        weights = np.hstack([1 - t, t])
    else:
        # The cubic B-spline at the distances 1 + t, t, 1 - t and 2 - t.
        weights = (
            np.hstack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
        )
    steps = np.arange(weights.shape[1]) - (order == 3)
    index = np.clip(floor[:, None] + steps, 0, len(wide) - 1)
    matrix = np.einsum("mk,mkn->mn", weights, wide[index])
    return matrix / matrix.sum(axis=1, keepdims=True)


@lru_cache(maxsize=16)
def _coefficients(n: int) -> tuple[NDArray[np.float64], int]:
    """Spline coefficients of each of n unit impulses, with as many voxels of continuation as the filter sees."""
    from scipy import ndimage

    pad = 12
    wide = np.pad(np.eye(n), ((pad, pad), (0, 0)), mode="edge")
    return ndimage.spline_filter1d(wide, 3, axis=0, mode="nearest"), pad


def blocks_of(matrix: NDArray[np.float64]) -> list[Block]:
    """A matrix cut into blocks of rows without the columns that are negligible in all of them."""
    blocks = []
    for start in range(0, len(matrix), ROWS):
        rows = matrix[start : start + ROWS]
        used = np.flatnonzero((np.abs(rows) > NEGLIGIBLE).any(axis=0))
        of = slice(int(used[0]), int(used[-1]) + 1)
        blocks.append(Block(slice(start, start + len(rows)), of, np.ascontiguousarray(rows[:, of])))
    return blocks


@lru_cache(maxsize=64)
def _zoom_blocks(n: int, m: int, order: int) -> list[Block]:
    return blocks_of(zoom_matrix(n, m, order))


def nearest_index(n: int, m: int) -> NDArray[np.intp]:
    """``(m,)`` index of the old voxel whose cell holds each new voxel's centre; ties go up."""
    return ((2 * np.arange(m) + 1) * n) // (2 * m)


def resize_array(array: NDArray[Any], size: Sequence[int], *, order: int) -> NDArray[Any]:
    """Resize ``(C, *spatial)`` to ``(C, *size)``.

    ``order`` 0 takes the nearest voxel and keeps the type: the way for labels. Orders 1 and 3 are
    linear and cubic splines, computed in float64 and given as float32, and smooth before shrinking;
    see `zoom_matrix`.

    Raises
    ------
    ValueError
        Another order, another count of axes, or a size below 1.
    InputError
        As `bounds.check_grid`.
    """
    if order not in ORDERS:
        raise ValueError(f"order: found {order}, expected one of {ORDERS}")
    if len(size) != array.ndim - 1 or min(size) < 1:
        raise ValueError(f"size: found {tuple(size)} for {array.ndim - 1} spatial axes of 1 voxel or more")
    check_grid(size, array.shape[1:])
    if order == 0:
        for axis, m in enumerate(size, 1):
            if array.shape[axis] != m:
                array = np.take(array, nearest_index(array.shape[axis], m), axis=axis)
        return array
    # Axes that shrink most come first: every later product is then smaller.
    for axis in sorted(range(1, array.ndim), key=lambda a: size[a - 1] / array.shape[a]):
        if array.shape[axis] != size[axis - 1]:
            array = along(_zoom_blocks(array.shape[axis], int(size[axis - 1]), order), array, axis)
    return array.astype(np.float32, copy=False)


def along(blocks: Sequence[Block], array: NDArray[Any], axis: int) -> NDArray[np.float32]:
    """The matrix cut into ``blocks``, applied along one axis (not the first): float64 inside, float32 out."""
    n, m = array.shape[axis], blocks[-1].to.stop
    before, after = array.shape[:axis], array.shape[axis + 1 :]
    lines, width = int(np.prod(before)), int(np.prod(after))
    old = np.ascontiguousarray(array).reshape(lines, n, width)
    new = np.empty((lines, m, width), np.float32)
    few = max(1, SMALL_PRODUCT // (ROWS * n))
    if width == 1:
        for start, stop, count in _pieces(lines, few):
            _rows(
                blocks,
                old[start:stop, :, 0].reshape(-1, count, n),
                new[start:stop, :, 0].reshape(-1, count, m),
            )
    else:
        for start, stop, count in _pieces(width, few):
            _columns(
                blocks,
                old[:, :, start:stop].reshape(lines, n, -1, count).swapaxes(1, 2),
                new[:, :, start:stop].reshape(lines, m, -1, count).swapaxes(1, 2),
            )
    return new.reshape(*before, m, *after)


def _pieces(length: int, few: int) -> list[tuple[int, int, int]]:
    """(start, stop, size of its equal pieces) of as many whole pieces of ``few`` as fit, and of the rest."""
    whole = length // few * few
    return [p for p in ((0, whole, few), (whole, length, length - whole)) if p[0] < p[1]]


def _rows(blocks: Sequence[Block], old: NDArray[Any], new: NDArray[np.float32]) -> None:
    """(pieces, rows, n) to (pieces, rows, m)."""
    step = max(1, CHUNK // (old.shape[1] * old.shape[2]))
    for i in range(0, len(old), step):
        part = old[i : i + step].astype(np.float64)
        for block in blocks:
            new[i : i + step, :, block.to] = np.matmul(part[:, :, block.of], block.weights.T)


def _columns(blocks: Sequence[Block], old: NDArray[Any], new: NDArray[np.float32]) -> None:
    """(lines, pieces, n, columns) to (lines, pieces, m, columns)."""
    size = old.shape[2] * old.shape[3]
    many = min(old.shape[1], max(1, CHUNK // size))
    high = max(1, CHUNK // (size * many))
    for i in range(0, old.shape[0], high):
        for j in range(0, old.shape[1], many):
            part = old[i : i + high, j : j + many].astype(np.float64, order="C")
            for block in blocks:
                new[i : i + high, j : j + many, block.to] = np.matmul(block.weights, part[:, :, block.of])
