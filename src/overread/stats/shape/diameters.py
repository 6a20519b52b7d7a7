"""How long a mask is: RECIST's long axis in the axial plane with the short axis across it, and the longest of all.

Lengths run between the outer edges of voxels: ten voxels of 1 mm in a row are 10 mm long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import find_objects

from overread.stats.arrays import Bools, Floats
from overread.stats.segmentation.lesions import components
from overread.stats.segmentation.masks import bounding_box, voxel_size
from overread.stats.shape.extremes import farthest, hull_points, surface_points


@dataclass(frozen=True)
class Axes:
    """Of one part in one slice: the ``long`` axis and the ``short`` one across it, mm.

    ``slice`` counts along the third axis of the array as given (0 in the plane); ``ends`` are both ends of the long
    axis in voxels of that slice, ``(2, 2)``.
    """

    long: float
    short: float
    slice: int
    ends: tuple[tuple[float, float], tuple[float, float]]


def max_diameter(mask: ArrayLike, *, spacing: ArrayLike | None = None) -> float:
    """The largest distance in mm between two points of the surface of ``mask (*spatial)``; 0 of an empty one.

    "Maximum 3D diameter" of the IBSI (reference manual 3.1.11), by the corners of the mesh.
    """
    found = np.asarray(mask) != 0
    if not found.any():
        return 0.0
    size = voxel_size(spacing, found.ndim)
    return farthest(hull_points(surface_points(found[bounding_box(found)]) * size))[0]


def axes_in_plane(mask: ArrayLike, *, spacing: ArrayLike | None = None) -> Axes | None:
    """The longest axis within any slice, and the longest one across it there; None of an empty mask.

    RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228): the longest diameter in the plane of measurement, and for
    lymph nodes the longest perpendicular to it in the same slice. Slices lie along the last of three axes; a mask of
    two is one slice. Both are of the convex outline of one part (neighbours by edge or corner), as calipers would
    measure it: of a crescent they span the hollow.

    ``spacing``: mm per axis, 1 if not given.
    """
    found = np.asarray(mask) != 0
    if not found.any():
        return None
    size = voxel_size(spacing, found.ndim)
    box = bounding_box(found)
    part = found[box]
    stack = part[..., None] if part.ndim == 2 else part
    start = [s.start for s in box[:2]]
    best: Axes | None = None
    for n in range(stack.shape[2]):
        # No axis is longer than the diagonal of what the slice holds.
        plane = stack[..., n]
        if not plane.any() or (best is not None and _diagonal(plane, size) <= best.long):
            continue
        here = _longest(plane, size, (box[2].start if part.ndim == 3 else 0) + n, start)
        if best is None or here.long > best.long:
            best = here
    return best


def _diagonal(plane: Bools, size: Floats) -> float:
    box = bounding_box(plane)
    return float(np.hypot(*[(s.stop - s.start) * d for s, d in zip(box, size[:2], strict=True)]))


def _longest(plane: Bools, size: Floats, number: int, start: list[int]) -> Axes:
    """Of the parts of a slice the one with the longest axis."""
    parts, _ = components(plane)
    found = []
    for k, box in enumerate(find_objects(parts), 1):
        corner = np.array([s.start for s in box], np.float64)
        hull = hull_points((surface_points(parts[box] == k) + corner) * size[:2])
        length, a, b = farthest(hull)
        found.append((length, a, b, hull))
    length, a, b, hull = max(found, key=lambda one: one[0])
    ends = np.stack([a, b]) / size[:2] + start
    return Axes(length, _across(hull, (b - a) / length), number, ((*ends[0].tolist(),), (*ends[1].tolist(),)))


def _across(hull: Floats, along: Floats) -> float:
    """The longest chord of a convex outline ``hull (n, 2)`` at right angles to ``along (2,)``.

    The length of the chord changes linearly between corners, so that the longest goes through one.
    """
    across = np.array([-along[1], along[0]])
    place, height = hull @ along, hull @ across
    after = np.roll(place, -1), np.roll(height, -1)
    best = 0.0
    for at in place:
        low, high = np.minimum(place, after[0]), np.maximum(place, after[0])
        cut = (low <= at + 1e-9) & (high >= at - 1e-9)
        run = after[0][cut] - place[cut]
        flat = np.abs(run) < 1e-9
        share = np.where(flat, 0.0, (at - place[cut]) / np.where(flat, 1.0, run))
        heights = height[cut] + np.clip(share, 0, 1) * (after[1][cut] - height[cut])
        heights = np.concatenate([heights, height[cut][flat], after[1][cut][flat]])
        best = max(best, float(np.ptp(heights)))
    return best
