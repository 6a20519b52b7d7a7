"""From one grid to another by the conventions of other frameworks, and the box around what is not empty.

A package of this project keeps the field of view, smooths before it shrinks and takes cubic splines
(`overread.imaging.grid.zoom`); an imported one says in `Resampling` what its origin does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.imaging.grid.bounds import check_grid
from overread.imaging.grid.zoom import along, blocks_of, sample_matrix
from overread.runtime.manifest_input import Resampling

THICK = 3.0
"""Largest spacing over smallest, from which nnU-Net treats the thickest axis by itself."""


def size_of(
    spatial: Sequence[int],
    spacing: Sequence[float],
    target: Sequence[float],
    rule: Resampling,
    *,
    where: str = "",
) -> tuple[int, ...]:
    """Voxel counts at ``target`` mm where the first voxel's centre stays (`monai.data.utils.compute_shape_offset`).

    Raises GridTooLargeError as `overread.imaging.grid.bounds.check_grid`.
    """
    assert rule.keep == "first_voxel"
    size = tuple(
        max(1, round((n - 1) * have / want + 1))
        for n, have, want in zip(spatial, spacing, target, strict=True)
    )
    check_grid(size, spatial, spacing, where=where)
    return size


def thick_axis(spacing: Sequence[float], target: Sequence[float], rule: Resampling) -> int | None:
    """The axis that is treated by itself: the thickest one of the image as it is, else of the grid it comes to.

    nnU-Net's `determine_do_sep_z_and_axis`; None where no axis, or more than one, is so thick.
    """
    if not rule.thick or len(spacing) != 3:
        return None
    for mm in (spacing, target):
        if max(mm) / min(mm) > THICK:
            most = [axis for axis, s in enumerate(mm) if s == max(mm)]
            return most[0] if len(most) == 1 else None
    return None


def resampled(
    array: NDArray[np.float32],
    size: Sequence[int],
    *,
    spacing: Sequence[float],
    target: Sequence[float],
    rule: Resampling,
    order: int | None = None,
    thick: int | None = None,
) -> NDArray[np.float32]:
    """``(C, *spatial)`` brought to ``(C, *size)``: every new voxel reads the old ones at its place, without smoothing.

    Parameters
    ----------
    spacing, target
        Of the old and the new grid in mm; they decide the places where the first voxel's centre stays.
    order
        Of the spline, 0, 1 or 3, in place of the rule's.
    thick
        An axis that takes the nearest voxel.
    """
    order = rule.order if order is None else order
    low = array.min(axis=tuple(range(1, array.ndim)), keepdims=True) if rule.clip and order == 3 else None
    high = None if low is None else array.max(axis=tuple(range(1, array.ndim)), keepdims=True)
    # nnU-Net resamples the planes first and then across them; the two commute but for rounding.
    for axis, m in enumerate(size):
        n = array.shape[axis + 1]
        at = places(n, m, target[axis] / spacing[axis], rule)
        if n == m and np.allclose(at, np.arange(n)):
            continue
        if order == 0 or axis == thick:
            array = np.take(array, np.clip(np.floor(at + 0.5), 0, n - 1).astype(np.intp), axis=axis + 1)
        else:
            array = along(blocks_of(sample_matrix(n, at, order)), array, axis + 1)
    array = np.asarray(array, np.float32)
    return array if low is None or high is None else np.clip(array, low, high)


def places(n: int, m: int, step: float, rule: Resampling) -> NDArray[np.float64]:
    """Where m new voxels lie on an axis of n old ones, in old voxels; ``step`` old voxels to a new one."""
    new = np.arange(m, dtype=np.float64)
    at: NDArray[np.float64] = new * step if rule.keep == "first_voxel" else (new + 0.5) * (n / m) - 0.5
    return at


def affine_of(affine: NDArray[np.float64], ratios: Sequence[float], rule: Resampling) -> NDArray[np.float64]:
    """The affine of a grid whose voxels are ``ratios`` old ones apart, kept at its first centre or its outer corner."""
    scale = np.diag([*ratios, *[1.0] * (4 - len(ratios))])
    if rule.keep == "field":
        scale[: len(ratios), 3] = [(r - 1) / 2 for r in ratios]
    out: NDArray[np.float64] = affine @ scale
    return out


def box_of(array: NDArray[np.generic], how: str) -> tuple[slice, ...]:
    """The smallest box ``(*spatial)`` around the voxels that are not 0 in some channel of ``(C, *spatial)``
    (``nonzero``), or above 0 (``above_zero``); the whole where there is none."""
    inside = (array > 0 if how == "above_zero" else array != 0).any(axis=0)  # type: ignore[operator]
    out = []
    for axis in range(inside.ndim):
        there = np.flatnonzero(inside.any(axis=tuple(a for a in range(inside.ndim) if a != axis)))
        if not there.size:
            return tuple(slice(0, n) for n in inside.shape)
        out.append(slice(int(there[0]), int(there[-1]) + 1))
    return tuple(out)
