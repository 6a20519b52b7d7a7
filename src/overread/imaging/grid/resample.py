"""Resampling of images onto other grids; array and affine stay true to each other.

A voxel's centre has an integer index; its cell reaches half a voxel to either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.grid.bounds import check_grid, spaced_size
from overread.imaging.grid.labels import resize_labels
from overread.imaging.grid.zoom import ORDERS, along, blocks_of, resize_array, sample_matrix
from overread.imaging.image import Image

RIGHT_ANGLE = 1e-4
"""Axes whose directions have a scalar product below this are at right angles: 0.006 degrees."""
ALIGNED = 1e-6
"""Off-axis steps below this many voxels, over the whole grid, are rounding noise of an affine."""

MOST_GROWTH = 4
"""A right-angled grid may hold this many times the voxels of the sheared one: 45 degrees need some 2."""

SLICES = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 1]])
"""Leaves out how slices are moved within their planes."""


def resize(image: Image, size: Sequence[int], *, order: int) -> Image:
    """To ``size`` voxels over the same field of view; spacing and origin change accordingly.

    See `resize_array` for orders and `zoom.zoom_matrix` for the convention and the smoothing. Raises InputError as
    `bounds.check_grid`.
    """
    check_grid(size, image.spatial, image.spacing, where=_where(image))
    return image.with_(array=resize_array(image.array, size, order=order), affine=_resized(image, size))


def _where(image: Image) -> str:
    return str(image.source.get("path") or "the image")


def _resized(image: Image, size: Sequence[int]) -> NDArray[np.float64]:
    step = np.ones(3)
    step[: len(size)] = np.array(image.spatial) / np.array(size)
    change = np.diag([*step, 1.0])
    change[:3, 3] = (step - 1) / 2
    return image.affine @ change


def resample(image: Image, spacing: Sequence[float], *, order: int) -> Image:
    """To the voxel count that comes nearest to ``spacing`` mm over the same field of view.

    The field of view is kept exactly, so the spacing reached, which the affine tells, is off by at most
    half a new voxel over the whole axis. Raises ValueError on another count of axes or spacing <= 0, InputError as
    `bounds.spaced_size`.
    """
    return resize(image, _count(image, spacing), order=order)


def _count(image: Image, spacing: Sequence[float]) -> list[int]:
    if len(spacing) != len(image.spatial) or min(spacing) <= 0:
        raise ValueError(f"spacing: found {tuple(spacing)}, expected {len(image.spatial)} numbers above 0")
    return list(spaced_size(image.spatial, image.spacing, spacing, where=_where(image)))


def resample_labels(image: Image, spacing: Sequence[float], *, method: str = "one-hot") -> Image:
    """A label map to ``spacing``: every voxel keeps one of the old labels, and the type stays.

    ``one-hot``: each label's indicator is resampled linearly and the largest wins (of equals the largest
    label), see `labels.resize_labels`; ``nearest`` moves outlines by half a voxel at a factor of two.

    Raises
    ------
    InputError
        Voxels that are not integers.
    ValueError
        Another method, or as `resample`.
    """
    if method not in ("one-hot", "nearest"):
        raise ValueError(f"method: found {method!r}, expected 'one-hot' or 'nearest'")
    if image.array.dtype.kind not in "iub":
        raise InputError(f"labels: voxels are {image.array.dtype}, expected integers")
    size = _count(image, spacing)
    if method == "nearest":
        return resize(image, size, order=0)
    result = np.stack([resize_labels(channel, size) for channel in image.array])
    return image.with_(array=result, affine=_resized(image, size))


def resample_to(
    image: Image, shape: Sequence[int], affine: NDArray[np.float64], *, order: int, fill: float = 0.0
) -> Image:
    """Onto any grid: ``shape`` voxels at ``affine``, with a spline of ``order`` 0 (nearest), 1 or 3.

    New voxels whose centre lies outside the image's field of view get ``fill``. Order 0 keeps the type,
    others give float32. No smoothing before shrinking: use `resample` first for much coarser grids. Grids
    along the same axes are resampled by one matrix per axis, also where slices are moved in their planes (a tilted
    gantry); others by `scipy.ndimage.affine_transform`.

    Raises
    ------
    InputError
        Another count of axes, 2D grids in different planes, or a grid too large (`bounds.check_grid`).
    ValueError
        Another order, or a ``fill`` that the type of the voxels cannot hold.
    """
    return _onto(image, shape, affine, order, fill)[0]


def _onto(
    image: Image, shape: Sequence[int], affine: NDArray[np.float64], order: int, fill: float
) -> tuple[Image, float]:
    """`resample_to`, and the share of new voxels that lay outside."""
    if order not in ORDERS:
        raise ValueError(f"order: found {order}, expected one of {ORDERS}")
    d = len(image.spatial)
    if len(shape) != d:
        raise InputError(f"target grid has {len(shape)} axes, the image has {d}; they must agree")
    check_grid(shape, image.spatial, image.spacing, where=_where(image))
    whole = np.linalg.inv(image.affine) @ affine
    if d == 2 and np.abs(whole[2, [0, 1, 3]]).max() > 1e-3:
        raise InputError(
            "target grid lies in another plane than the 2D image; only equal planes can be resampled"
        )
    # Rounding noise must not push a voxel of an equal grid off its exact place.
    matrix, offset = np.round(whole[:d, :d], 9), np.round(whole[:d, 3], 9)
    axes = _axes(matrix, shape)
    if axes is not None:
        array = _separable(image.array, shape, matrix, offset, axes, order)
    elif d == 3 and _axes(matrix * SLICES, shape) == [0, 1, 2] and _keeps_slices(matrix, offset):
        array = _slicewise(image.array, shape, matrix, offset, order)
    else:
        array = _general(image, shape, matrix, offset, order)
    outside = _outside(image.spatial, shape, matrix, offset)
    if outside.any():
        if array.dtype.kind in "iu" and not np.iinfo(array.dtype).min <= fill <= np.iinfo(array.dtype).max:
            raise ValueError(f"fill: found {fill}, which {array.dtype} voxels cannot hold")
        array[:, outside] = fill
    return image.with_(array=array, affine=np.array(affine, dtype=np.float64)), float(outside.mean())


def _axes(matrix: NDArray[np.float64], shape: Sequence[int]) -> list[int] | None:
    """For each old axis the new one that runs along it, or None where some new axis runs askew."""
    reach = np.abs(matrix) * np.array(shape)
    axes = [int(np.argmax(row)) for row in reach]
    reach[np.arange(len(axes)), axes] = 0
    return axes if len(set(axes)) == len(axes) and reach.max() < ALIGNED else None


def _separable(
    array: NDArray[Any],
    shape: Sequence[int],
    matrix: NDArray[np.float64],
    offset: NDArray[np.float64],
    axes: Sequence[int],
    order: int,
) -> NDArray[Any]:
    for old, new in enumerate(axes):
        n = array.shape[old + 1]
        at = matrix[old, new] * np.arange(shape[new]) + offset[old]
        if order == 0 or np.array_equal(at, np.rint(at)):
            # np.rint sends halves to the even voxel; a half goes up here as in `zoom.nearest_index`.
            index = np.clip(np.floor(at + 0.5).astype(np.intp), 0, n - 1)
            array = np.take(array, index, axis=old + 1)
        else:
            array = along(blocks_of(sample_matrix(n, at, order)), array, old + 1)
    array = np.transpose(array, [0, *(axes.index(new) + 1 for new in range(len(axes)))])
    return np.array(array, dtype=array.dtype if order == 0 else np.float32, order="C")


def _keeps_slices(matrix: NDArray[np.float64], offset: NDArray[np.float64]) -> bool:
    """Whether every new slice along the last axis lies in an old one."""
    return bool(
        (np.abs(matrix[2] - [0, 0, 1]) < ALIGNED / 1000).all() and abs(offset[2] - round(offset[2])) < ALIGNED
    )


def _slicewise(
    array: NDArray[Any],
    shape: Sequence[int],
    matrix: NDArray[np.float64],
    offset: NDArray[np.float64],
    order: int,
) -> NDArray[Any]:
    """Slices that are only moved and stretched within their planes, each by its own way."""
    result = np.empty((len(array), shape[2], *shape[:2]), array.dtype if order == 0 else np.float32)
    for k in range(shape[2]):
        old = min(max(k + round(offset[2]), 0), array.shape[3] - 1)
        place = offset[:2] + matrix[:2, 2] * k
        result[:, k] = _separable(array[..., old], shape[:2], matrix[:2, :2], place, [0, 1], order)
    return np.moveaxis(result, 1, 3)


def _general(
    image: Image, shape: Sequence[int], matrix: NDArray[np.float64], offset: NDArray[np.float64], order: int
) -> NDArray[Any]:
    from scipy import ndimage

    source = image.array if order == 0 else image.array.astype(np.float32, copy=False)
    return np.stack(
        [
            ndimage.affine_transform(
                channel, matrix, offset, output_shape=tuple(shape), order=order, mode="nearest"
            )
            for channel in source
        ]
    )


def _outside(
    old: Sequence[int], new: Sequence[int], matrix: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which voxels of the new grid have their centre outside all cells of the old one."""
    outside = np.zeros(tuple(new), dtype=bool)
    grid = np.ogrid[tuple(slice(n) for n in new)]
    for axis, n in enumerate(old):
        # Axes without a part in it stay of length 1: most grids need no sum over all voxels.
        at = offset[axis] + sum(matrix[axis, k] * grid[k] for k in range(len(new)) if matrix[axis, k])
        outside |= (at < -0.5 - 1e-6) | (at > n - 0.5 + 1e-6)
    return outside


def right_angled(affine: NDArray[np.float64], tolerance: float = RIGHT_ANGLE) -> bool:
    """Whether the three axes of a grid are at right angles to each other (no shear)."""
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(unit.T @ unit - np.eye(3)).max() < tolerance)


def rectify(image: Image, *, order: int = 1, fill: float | None = None) -> Image:
    """A sheared volume (slices of a tilted gantry, say) on the right-angled grid that holds all of it.

    The first two axes keep directions and spacing, or the second is turned within their plane until it is at a
    right angle to the first; the third becomes their normal, and its spacing the distance of the planes, so that
    slices stay slices and nothing is interpolated between them. New voxels outside of the old field of view get
    ``fill``, by default the volume's smallest value; how many, a note tells. A right-angled image comes back as
    it is.

    Raises
    ------
    InputError
        A 2D image; a shear so large that the new grid would hold more than MOST_GROWTH times the voxels.
    """
    if len(image.spatial) != 3:
        raise InputError("rectify: a 2D image has no third axis to set right; give a volume")
    if right_angled(image.affine):
        return image
    old = image.affine[:3, :3]
    first = old[:, 0] / np.linalg.norm(old[:, 0])
    normal = np.cross(old[:, 0], old[:, 1])
    normal /= np.linalg.norm(normal) * np.sign(np.cross(old[:, 0], old[:, 1]) @ old[:, 2])
    second = np.cross(normal, first)
    second *= np.sign(second @ old[:, 1])
    axes = np.stack([first, second, normal], axis=1)
    spacing = np.abs(np.sum(axes * old, axis=0))
    # Where the old corners' voxel centres lie on the new axes, in new voxels from the old first voxel.
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in image.spatial])).reshape(3, -1)
    reach = (axes.T @ old @ corners) / spacing[:, None]
    low, high = np.floor(reach.min(axis=1) + 1e-6), np.ceil(reach.max(axis=1) - 1e-6)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = image.affine[:3, 3] + affine[:3, :3] @ low
    shape = [int(n) + 1 for n in high - low]
    growth = float(np.prod(high - low + 1)) / float(np.prod(image.spatial))
    if growth > MOST_GROWTH:
        raise InputError(
            f"{_where(image)}: its axes lean so far that a right-angled grid would hold "
            f"{growth:.1f} times the voxels (limit {MOST_GROWTH}); the affine may be damaged; "
            "else resample the image first"
        )
    value = float(image.array.min()) if fill is None else fill
    there, empty = _onto(image, shape, affine, order, value)
    note = (
        f"sheared grid resampled onto a right-angled one of {' x '.join(map(str, shape))} voxels; "
        f"{empty:.1%} of them lay outside of the field of view and became {value:g}"
    )
    return there.with_(notes=(*image.notes, note))
