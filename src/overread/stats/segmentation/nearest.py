"""Distance from each point of one surface to the nearest point of another, on one grid.

Surfaces that are compared lie close together, and a tree that knows nothing of the grid searches long for what
is next door. Here the first pass of a separable distance transform gives each voxel the distance to the surface
within its column along the finest axis; each point then looks at the columns around it, the nearest first, until no
farther column can be nearer than what it has (Saito and Toriwaki, Pattern Recognit 1994;27:1551). What is still
open after many columns is far away, and goes to a tree.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from overread.stats.arrays import Bools, Floats

# Columns looked at, in 3D a circle of 11 voxels: about there a tree becomes as fast (measured on spheres).
MOST_COLUMNS = 400


def nearest_distances(start: Bools, goal: Bools, size: Floats, *, reach: float = np.inf) -> Floats:
    """Distance in mm from each voxel of ``start`` (C order) to the nearest of ``goal``, which holds one or more.

    ``size`` is the voxel size per axis. Distances beyond ``reach`` are infinite.
    """
    distances = np.zeros(np.count_nonzero(start))
    searched = start & ~goal
    if searched.any():
        # The finest axis first: the other columns lie far apart, and few of them come into question.
        axes = np.argsort(size, kind="stable")
        points = np.stack(np.nonzero(searched))[axes]
        found = _search(points, goal.transpose(axes), size[axes], reach * (1 + 1e-6))
        distances[searched[start]] = found
    return distances


def _search(points: NDArray[np.int64], goal: Bools, size: Floats, reach: float) -> Floats:
    """Distance from ``points`` (axes, n) to the nearest voxel of ``goal``."""
    columns, squares, all_columns = _columns(goal.shape[1:], size[1:])
    margin = np.abs(columns).max(axis=0, initial=0)
    depth = _depths(goal, size, margin)
    strides = np.array([np.prod(depth.shape[axis + 1 :], dtype=np.int64) for axis in range(goal.ndim)])
    at = strides @ (points + np.append(0, margin)[:, None])
    flat, step = depth.ravel(), float(size[0])
    found = np.full(len(at), np.inf)
    best = (flat[at] * step) ** 2
    still = np.arange(len(at))
    for shift, square in zip((columns @ strides[1:]).tolist(), squares.tolist(), strict=True):
        going = best > square
        if not going.all():
            # No column from here on can be nearer.
            found[still[~going]] = best[~going]
            at, best, still = at[going], best[going], still[going]
        if not len(still) or square > reach**2:
            break
        other = flat.take(at + shift) * step
        other *= other
        other += square
        np.minimum(best, other, out=best)
    else:
        known = best <= (np.inf if all_columns else squares[-1])
        found[still[known]] = best[known]
        far = still[~known]
        if len(far):
            tree = KDTree(np.argwhere(goal) * size, balanced_tree=False)
            found[far] = tree.query(points[:, far].T * size, workers=-1, distance_upper_bound=reach)[0] ** 2
    distances: Floats = np.sqrt(found)
    distances[distances > reach] = np.inf
    return distances


def _columns(shape: tuple[int, ...], size: Floats) -> tuple[NDArray[np.int64], Floats, bool]:
    """Steps (c, axes) to the nearest columns, nearest first, their squared distances, and whether these are all."""
    width = [min(n - 1, MOST_COLUMNS // 2 if len(shape) == 1 else MOST_COLUMNS // 10) for n in shape]
    if not shape:
        return np.zeros((0, 0), dtype=np.int64), np.zeros(0), True
    grid = np.indices([2 * w + 1 for w in width]).reshape(len(width), -1)
    steps = grid.T - np.array(width)
    squares = ((steps * size) ** 2).sum(axis=1)
    # Where the widths cut an axis off, only what is nearer than the first step beyond is complete.
    cut = [((w + 1) * s) ** 2 for w, n, s in zip(width, shape, size, strict=True) if w < n - 1]
    near = (squares > 0) & (squares < min(cut, default=np.inf))
    order = np.argsort(squares[near], kind="stable")
    steps, squares = steps[near][order], squares[near][order]
    return steps[:MOST_COLUMNS], squares[:MOST_COLUMNS], not cut and len(steps) <= MOST_COLUMNS


def _depths(goal: Bools, size: Floats, margin: NDArray[np.int64]) -> NDArray[np.integer]:
    """Steps along axis 0 to the nearest voxel of ``goal`` in the same column, the other axes widened by a margin.

    A column without one holds a number of steps that is farther than any distance in the box.
    """
    none = int(np.linalg.norm(np.array(goal.shape) * size) / size[0]) + 2
    shape = (goal.shape[0], *(n + 2 * m for n, m in zip(goal.shape[1:], margin.tolist(), strict=True)))
    depth = np.full(shape, none, dtype=np.int16 if none < 2**15 - 1 else np.int64)
    inner = depth[(slice(None), *(slice(m, m + n) for n, m in zip(goal.shape[1:], margin, strict=True)))]
    inner[goal] = 0
    # Slabs as slices: with one axis an element would be a number, not a view.
    slabs = [inner[k : k + 1] for k in range(len(inner))]
    for one, other in (*pairwise(slabs), *pairwise(slabs[::-1])):
        np.minimum(other, one + 1, out=other)
    return depth
