"""Boxes go where the image's voxels go, and none of them is lost unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from overread.imaging.boxes import Boxes
from overread.learn.augment.spatial import Spatial, displacement, matrix_of

# Of a box's extent, what must still be in the patch for the object to be taught as there.
VISIBLE_SHARE = 0.25
# Points along each edge of a box that is bent; a straight one is decided by its corners.
BENT_POINTS = 6
ROUNDS = 60


@dataclass(frozen=True)
class MovedBoxes:
    """What became of the boxes of an image on a patch of it.

    Attributes
    ----------
    boxes
        Those of which more than `VISIBLE_SHARE` is in the patch, clipped to it.
    remnants
        Those of which less is in it, clipped: neither there nor not there.
    before
        How many there were: always ``len(boxes) + len(remnants) + outside``.
    cut
        How many of ``boxes`` the patch's edge has cut.
    outside
        How many have nothing in the patch.
    """

    boxes: Boxes
    remnants: Boxes
    before: int
    cut: int
    outside: int


def apply_boxes(
    change: Spatial,
    boxes: Boxes,
    size: Sequence[int],
    *,
    start: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
    visible: float = VISIBLE_SHARE,
) -> MovedBoxes:
    """The boxes of an image on its patch of ``size`` from voxel ``start``, changed as `apply` changes the voxels.

    Each box becomes the one that encloses where its corners go (of a bent one, points all over it), which is looser
    than a new outline would be: a square turned by 10 degrees grows by 16%.
    """
    low, high = boxes.low, boxes.high
    steps = np.linspace(0, 1, 2 if change.control is None else BENT_POINTS)
    lattice = np.array(list(product(steps, repeat=len(size))))
    points = low[:, None] + lattice[None] * (high - low)[:, None]
    flat = points.reshape(-1, len(size))
    moved = apply_points(change, flat, size, start=start, spacing=spacing).reshape(points.shape)
    found = Boxes(moved.min(axis=1), moved.max(axis=1), boxes.labels, boxes.scores)
    shown, seen = found.inside(size, share=visible), found.inside(size)
    clipped = found.clipped(size)
    whole = np.isclose(clipped.low, found.low).all(axis=1) & np.isclose(clipped.high, found.high).all(axis=1)
    return MovedBoxes(
        clipped.where(shown),
        clipped.where(seen & ~shown),
        len(boxes),
        int((shown & ~whole).sum()),
        int((~seen & ~shown).sum()),
    )


def apply_points(
    change: Spatial,
    points: NDArray[np.float64],
    size: Sequence[int],
    *,
    start: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """``(n, d)``: where points ``(n, d)`` of an image lie on its patch, changed as `apply` changes the voxels.

    Both in voxels from the outer edge of the first one. Points beyond the patch are given as they are found there.
    """
    first = np.zeros(len(size)) if start is None else np.asarray(start, float)
    return inverse(change, np.asarray(points, float) - first, size, spacing)


def inverse(
    change: Spatial,
    points: NDArray[np.float64],
    size: Sequence[int],
    spacing: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """Where points ``(n, d)`` of the unchanged patch (voxels from its outer edge) lie on the changed one.

    The sampling grid says where each voxel of the changed patch is read: ``read = matrix p + shift + bend(p)``. It is
    solved for ``p`` by repeated insertion, which converges because the bend never folds.
    """
    n = np.asarray(size, float)
    read = 2 * points / n - 1
    back = np.linalg.inv(matrix_of(change, size, spacing))
    place = (read - change.shift) @ back.T
    for _ in range(ROUNDS if change.control is not None else 0):
        nearer = (read - change.shift - displacement(change, place, size)) @ back.T
        moved = np.abs(nearer - place).max(initial=0.0)
        place = nearer
        if moved < 1e-6:
            break
    there: NDArray[np.float64] = (place + 1) / 2 * n
    return there
