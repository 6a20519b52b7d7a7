"""Areas of the surface between eight voxels, and lengths of the contour between four.

The grid of corners lies half a voxel off the grid of centres. Around each corner lie 2 x 2 (x 2) voxels, in or
out of the mask: a code of 4 or 8 bits. Marching cubes (Lorensen and Cline, Computer Graphics 1987;21:163) puts
the surface through the middle of each edge between an inner and an outer voxel. Here the 256 areas follow
from that rule: the voxels in the minority (in or out) fall into groups that share edges; each group is cut off
by one polygon through the middles of its cut edges; a polygon that is not flat is spread as the fan of largest
area for cubic voxels. These are the areas behind the surface distances of Nikolov et al. (J Med Internet Res
2021;23:e26151).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from overread.stats.arrays import Bools, Floats

_Corner = tuple[int, ...]


def neighbour_codes(mask: Bools) -> NDArray[np.uint8]:
    """Code of the voxels around each corner of the grid, shape one larger per axis; outside is not in the mask.

    Bit ``i`` is the ``i``-th of the 2**ndim voxels in C order, the last axis fastest.
    """
    codes = mask.view(np.uint8)
    for axis in reversed(range(mask.ndim)):
        # Corner i lies between voxel i - 1, the near one, and voxel i, the far one.
        bits = np.uint8(1 << (mask.ndim - 1 - axis))
        pair = np.zeros([n + (i == axis) for i, n in enumerate(codes.shape)], dtype=np.uint8)
        here = np.moveaxis(pair, axis, 0)
        here[1:] = np.moveaxis(codes, axis, 0)
        here[:-1] |= np.moveaxis(codes, axis, 0) << bits
        codes = pair
    return codes


def surfel_sizes(size: Floats) -> Floats:
    """Area (3D, 256 codes) or length (2D, 16 codes) of the surface in a cell of ``size`` mm per axis."""
    if len(size) == 2:
        return np.array([_length(code, size) for code in range(16)])
    # Scaling the axes scales each component of an area vector by the two other axes.
    areas: Floats = np.linalg.norm(_area_vectors() * (np.prod(size) / size), axis=2).sum(axis=1)
    return areas


@lru_cache(maxsize=1)
def _area_vectors() -> Floats:
    """Area vectors (256, 4, 3) of the triangles of each code for unit voxels; unused rows are zero."""
    table = np.zeros((256, 4, 3))
    for code in range(256):
        inside = {c for bit, c in enumerate(product((0, 1), repeat=3)) if code >> bit & 1}
        minority = inside if len(inside) <= 4 else set(product((0, 1), repeat=3)) - inside
        vectors = [v for group in _groups(minority) if len(group) < 8 for v in _fan(_polygon(group))[1]]
        if vectors:
            table[code, : len(vectors)] = vectors
    return table


def _groups(corners: set[_Corner]) -> list[set[_Corner]]:
    """Corners of a cube that hang together by its edges."""
    left, groups = set(corners), []
    while left:
        group, edge = set(), {left.pop()}
        while edge:
            group |= edge
            edge = {n for corner in edge for n in _neighbours(corner) if n in left}
            left -= edge
        groups.append(group)
    return groups


def _neighbours(corner: _Corner) -> list[_Corner]:
    return [tuple(c ^ (i == axis) for i, c in enumerate(corner)) for axis in range(len(corner))]


def _polygon(group: set[_Corner]) -> Floats:
    """Middles (k, 3) of the edges that lead out of the group, in order around it."""
    edges = [(inner, outer) for inner in group for outer in _neighbours(inner) if outer not in group]
    inner, outer = (np.array([edge[i] for edge in edges], dtype=np.float64) for i in (0, 1))
    middles = (inner + outer) / 2
    normal = (outer - inner).sum(axis=0)
    offset = middles - middles.mean(axis=0)
    first = offset[0] - normal * (offset[0] @ normal) / (normal @ normal)
    second = np.cross(normal, first) / np.linalg.norm(normal)
    ordered: Floats = middles[np.argsort(np.arctan2(offset @ second, offset @ first))]
    return ordered


def _fan(polygon: Floats) -> tuple[Floats, Floats]:
    """The corner (3,) whose fan of triangles has the largest area, and their outward area vectors (k - 2, 3)."""
    fans = []
    for apex in range(len(polygon)):
        arms = np.roll(polygon, -apex, axis=0)[1:] - polygon[apex]
        fans.append((polygon[apex], np.cross(arms[:-1], arms[1:]) / 2))
    return max(fans, key=lambda fan: round(float(np.linalg.norm(fan[1], axis=1).sum()), 9))


_IN_FACE = (0.0, 0.125, 0.5, 0.875, 1.0)
"""Share of a face (of a cell in 2D) within the contour, by the number of its inner corners that hang together."""


def inner_shares(axes: int) -> Floats:
    """Share of a cell that lies within the surface, by code: (256,) in 3D, (16,) in 2D."""
    corners = list(product((0, 1), repeat=axes))
    return np.array([_share(code, corners) for code in range(2 ** len(corners))])


def _share(code: int, corners: list[_Corner]) -> float:
    inside = {c for bit, c in enumerate(corners) if code >> bit & 1}
    few = inside if 2 * len(inside) <= len(corners) else set(corners) - inside
    part = sum(_volume(group) for group in _groups(few))
    return part if few is inside else 1 - part


def _volume(group: set[_Corner]) -> float:
    """Volume (area in 2D) that the surface cuts off a cell around a group of its corners (divergence theorem)."""
    if len(next(iter(group))) == 2:
        return _IN_FACE[len(group)]
    apex, vectors = _fan(_polygon(group))
    # Of the cell's faces those through the origin add nothing.
    faces = sum(_IN_FACE[sum(corner[axis] for corner in group)] for axis in range(3))
    return float((vectors @ apex).sum() + faces) / 3


def _length(code: int, size: Floats) -> float:
    """Contour in a cell of four voxels: straight through, or a diagonal around each voxel that is alone."""
    if code in (0, 15):
        return 0.0
    if code in (0b0011, 0b1100):
        return float(size[1])
    if code in (0b0101, 0b1010):
        return float(size[0])
    alone = 2 if code in (0b0110, 0b1001) else 1
    return alone * float(np.hypot(*size)) / 2
