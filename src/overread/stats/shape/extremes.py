"""The points on a mask's surface that can be farthest from others: few, whatever the size of the mask."""

from __future__ import annotations

import numpy as np

from overread.stats.arrays import Bools, Floats


def surface_points(mask: Bools) -> Floats:
    """``(n, axes)`` points in voxels: on each line along each axis, where the mask begins and where it ends.

    They lie half a voxel outside the centres of the outer voxels, in the middle of the edge that the surface of
    marching cubes crosses, so that ten voxels in a row are ten long. Every corner of their convex hull, and so of the
    whole surface's, is among them.
    """
    found = []
    for axis in range(mask.ndim):
        lines = mask.any(axis=axis)
        places = np.argwhere(lines).astype(np.float64)
        first = np.argmax(mask, axis=axis)[lines]
        last = mask.shape[axis] - 1 - np.argmax(np.flip(mask, axis), axis=axis)[lines]
        for end, step in ((first, -0.5), (last, 0.5)):
            found.append(np.insert(places, axis, end + step, axis=1))
    return np.concatenate(found)


def hull_points(points: Floats) -> Floats:
    """The corners of the convex hull of ``points (n, axes)``, in the plane counterclockwise."""
    from scipy.spatial import ConvexHull

    corners: Floats = points[ConvexHull(points).vertices]
    return corners


def farthest(points: Floats) -> tuple[float, Floats, Floats]:
    """The largest distance between two of ``points (n, axes)``, and the two."""
    best, ends = -1.0, (0, 0)
    # In blocks, so that hulls of many thousand corners need no table of all pairs.
    for start in range(0, len(points), 512):
        apart = ((points[start : start + 512, None] - points[None]) ** 2).sum(axis=-1)
        i, j = np.unravel_index(int(apart.argmax()), apart.shape)
        if apart[i, j] > best:
            best, ends = float(apart[i, j]), (start + int(i), int(j))
    return float(np.sqrt(best)), points[ends[0]], points[ends[1]]
