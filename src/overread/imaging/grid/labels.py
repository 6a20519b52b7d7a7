"""Label maps onto other grids: each label's share of every new voxel, and the label with the largest share.

Nearest neighbour moves outlines: at a factor of two the new centre lies between two voxels and always takes the same
one, half a voxel to one side. Read linearly, shares lie where the image lies, as nnU-Net does it (Isensee 2021, doi
10.1038/s41592-020-01008-z). They are not smoothed before shrinking: a majority of a smoothed share wears away what is
small. Of equal shares the larger label wins, for the same reason: of a ball of 3 voxels' radius at half the size 88% of
the volume are kept then, and 66% where background wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.imaging.grid.bounds import check_grid
from overread.imaging.grid.zoom import NEGLIGIBLE, along, blocks_of, sample_matrix

Region = tuple[slice, ...]
TIE = 1e-5
"""Shares closer than this are equal, whatever float32 made of them: then the larger label wins."""


def resize_labels(labels: NDArray[np.integer], size: Sequence[int]) -> NDArray[np.integer]:
    """``(*spatial)`` integers to ``size`` voxels over the same field of view; every voxel keeps one of the old labels.

    Of equal shares the largest label wins; the type stays. Raises InputError as `check_grid`.
    """
    check_grid(size, labels.shape)
    if tuple(size) == labels.shape:
        return labels
    return largest_share(labels, size, lambda part, at: _zoomed(part, at, labels.shape, size))


def largest_share(
    labels: NDArray[np.integer],
    size: Sequence[int],
    share: Callable[[NDArray[np.bool_], Region], tuple[NDArray[np.float32], Region]],
) -> NDArray[np.integer]:
    """``(*size)``: the label whose share of a voxel is largest, of equals the largest label; the smallest label has
    what the others leave.

    ``share`` gets the part of a label's indicator that holds all of it, and where that part lies; it returns the
    label's share on the part of the new grid that it reaches, and where that lies.
    """
    names, codes = _coded(labels)
    found = [share(codes[at] == k, at) for k, at in _extents(codes, len(names))]
    best = np.ones(tuple(size), np.float32)
    for part, at in found:
        best[at] -= part
    result = np.full(tuple(size), names[0], labels.dtype)
    for name, (part, at) in zip(names[1:], found, strict=True):
        wins = part >= best[at] - TIE
        result[at][wins] = name
        np.maximum(best[at], part, out=best[at])
    return result


def _coded(labels: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """The labels that there are, and the map of their ranks 0, 1, 2 ..."""
    if labels.dtype == np.uint8:
        # Counting is many times faster than sorting.
        names = np.flatnonzero(np.bincount(labels.ravel(), minlength=256)).astype(np.uint8)
        rank = np.zeros(256, np.uint8)
        rank[names] = np.arange(len(names))
        return names, rank[labels]
    names, codes = np.unique(labels, return_inverse=True)
    return names, codes.reshape(labels.shape)


def _extents(codes: NDArray[np.integer], count: int) -> Iterable[tuple[int, Region]]:
    from scipy import ndimage

    boxes = ndimage.find_objects(codes, max_label=max(count - 1, 1))
    return [(k, at) for k, at in enumerate(boxes, 1) if at is not None]


def _zoomed(
    part: NDArray[np.bool_], at: Region, old: Sequence[int], size: Sequence[int]
) -> tuple[NDArray[np.float32], Region]:
    """An indicator that is 0 outside of ``at``, read linearly at the new voxels' centres, where it is not 0."""
    share: NDArray[np.float32] = part[None].astype(np.float32)
    there = []
    for axis, (where, n, m) in enumerate(zip(at, old, size, strict=True), 1):
        if n == m:
            there.append(where)
            continue
        matrix = sample_matrix(n, (np.arange(m) + 0.5) * n / m - 0.5, 1)[:, where]
        rows = np.flatnonzero((matrix > NEGLIGIBLE).any(axis=1))
        if not len(rows):
            # Between the places that are read.
            return np.zeros((0,) * len(size), np.float32), (slice(0, 0),) * len(size)
        to = slice(int(rows[0]), int(rows[-1]) + 1)
        share = along(blocks_of(matrix[to]), share, axis)
        there.append(to)
    return share[0], tuple(there)
