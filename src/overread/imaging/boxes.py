"""Boxes on an image's grid: one type, one convention, so that none is lost or shifted between readers and networks.

Corners are continuous voxel coordinates in the order of the array's axes, counted from the outer edge of the first
voxel: voxel ``i`` reaches from ``i`` to ``i + 1``, and a whole image from 0 to its shape. In a 2D image the first axis
is the row (y, downwards), the second the column (x).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.grid.components import components


@dataclass(frozen=True)
class Boxes:
    """``n`` axis-aligned boxes of ``d`` axes.

    Attributes
    ----------
    low, high
        ``(n, d)`` float64: the corners with the smaller and the larger coordinates.
    labels
        ``(n,)`` int64: index of each box's label.
    scores
        ``(n,)`` float64 from 0 to 1; 1 for a truth that says nothing else.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.labels)
        if (
            self.low.ndim != 2
            or self.low.shape != self.high.shape
            or len(self.low) != n
            or len(self.scores) != n
        ):
            raise ValueError(
                f"boxes: found corners {self.low.shape} and {self.high.shape}, {n} labels, {len(self.scores)} scores; "
                "expected one row, label and score a box"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def axes(self) -> int:
        """Number of axes, 2 or 3."""
        return int(self.low.shape[1])

    @property
    def extent(self) -> NDArray[np.float64]:
        """``(n, d)``: length along each axis, in voxels."""
        return self.high - self.low

    @property
    def centre(self) -> NDArray[np.float64]:
        """``(n, d)``: the point half-way between the corners."""
        return (self.low + self.high) / 2

    @classmethod
    def of(
        cls,
        low: Sequence[Sequence[float]] | NDArray[np.floating],
        high: Sequence[Sequence[float]] | NDArray[np.floating],
        labels: Sequence[int] | NDArray[np.integer],
        scores: Sequence[float] | NDArray[np.floating] | None = None,
        *,
        axes: int,
    ) -> Boxes:
        """Boxes from anything array-like; no boxes keep their number of axes. Raises ValueError on other shapes."""
        kinds = np.asarray(labels, np.int64).reshape(-1)
        return cls(
            np.asarray(low, np.float64).reshape(-1, axes),
            np.asarray(high, np.float64).reshape(-1, axes),
            kinds,
            np.ones(len(kinds)) if scores is None else np.asarray(scores, np.float64).reshape(-1),
        )

    def where(self, keep: NDArray[np.bool_] | NDArray[np.integer]) -> Boxes:
        """The boxes of a mask or of indices, in their order."""
        return Boxes(self.low[keep], self.high[keep], self.labels[keep], self.scores[keep])

    def moved(
        self,
        factor: Sequence[float] | NDArray[np.floating],
        shift: Sequence[float] | NDArray[np.floating] | float = 0.0,
    ) -> Boxes:
        """Every corner times ``factor`` plus ``shift``, per axis: onto a resized or padded grid. No box is dropped.

        A negative factor flips its axis; low and high corners are what they say afterwards, too.
        """
        by, to = np.asarray(factor, np.float64), np.asarray(shift, np.float64)
        a, b = self.low * by + to, self.high * by + to
        return replace(self, low=np.minimum(a, b), high=np.maximum(a, b))

    def clipped(self, spatial: Sequence[int]) -> Boxes:
        """Corners moved into ``0..spatial``. No box is dropped, one wholly outside becomes empty."""
        top = np.asarray(spatial, np.float64)
        return replace(self, low=np.clip(self.low, 0, top), high=np.clip(self.high, 0, top))

    def inside(self, spatial: Sequence[int], *, share: float = 0.0) -> NDArray[np.bool_]:
        """``(n,)``: whether more than ``share`` of each box's extent (area, volume) lies within ``0..spatial``."""
        cut = self.clipped(spatial)
        whole = np.prod(self.extent, axis=1)
        kept: NDArray[np.bool_] = np.prod(cut.extent, axis=1) > share * whole
        return kept


def boxes_to_mask(boxes: Boxes, spatial: Sequence[int]) -> NDArray[np.bool_]:
    """``(*spatial)``: the voxels that any of the boxes covers, if only in part."""
    mask = np.zeros(tuple(spatial), dtype=bool)
    cut = boxes.clipped(spatial)
    low, high = np.floor(cut.low).astype(int), np.ceil(cut.high).astype(int)
    for a, b in zip(low, high, strict=True):
        mask[tuple(slice(i, j) for i, j in zip(a, b, strict=True))] = True
    return mask


def masks_to_boxes(objects: NDArray[Any], labels: Mapping[int, int] | None = None) -> Boxes:
    """The boxes that just enclose the objects of ``(*spatial)``, whose voxels bear the object's number; 0 is none.

    An object in several pieces has one box. ``labels`` gives the label index of each number, 0 without it.

    Raises
    ------
    ValueError
        Negative numbers, or one that ``labels`` lacks.
    """
    from scipy.ndimage import find_objects

    if objects.size and objects.min() < 0:
        raise ValueError(f"objects: found {int(objects.min())}, expected 0 for none and 1, 2 ... for objects")
    # Numbers may be few and large (65535); their ranks are not.
    numbers, ranks = np.unique(objects, return_inverse=True)
    ranks = ranks.reshape(objects.shape) + int(numbers.size > 0 and numbers[0] != 0)
    numbers = numbers[numbers != 0]
    if labels is not None and not set(numbers.tolist()) <= set(labels):
        raise ValueError(f"objects: numbers {sorted(set(numbers.tolist()) - set(labels))} have no label")
    places = [place for place in find_objects(ranks) if place is not None]
    return Boxes.of(
        [[axis.start for axis in place] for place in places],
        [[axis.stop for axis in place] for place in places],
        [0 if labels is None else labels[int(n)] for n in numbers],
        axes=objects.ndim,
    )


def label_map_to_boxes(mask: NDArray[Any]) -> Boxes:
    """One box around each connected part of each label of ``(*spatial)``; value ``k`` has label index ``k - 1``."""
    found = []
    for value in np.unique(mask[mask > 0]).tolist():
        parts, count = components(mask == value)
        found.append(masks_to_boxes(parts, dict.fromkeys(range(1, count + 1), int(value) - 1)))
    return joined(found, axes=mask.ndim)


def joined(several: Sequence[Boxes], *, axes: int) -> Boxes:
    """All boxes of several sets, in order; none of none."""
    return Boxes(
        np.concatenate([np.zeros((0, axes)), *(b.low for b in several)]),
        np.concatenate([np.zeros((0, axes)), *(b.high for b in several)]),
        np.concatenate([np.zeros(0, np.int64), *(b.labels for b in several)]),
        np.concatenate([np.zeros(0), *(b.scores for b in several)]),
    )


def to_world(boxes: Boxes, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(n, 6)``: the boxes of a volume as ``x0, y0, z0, x1, y1, z1`` in mm (RAS+); oblique ones are enclosed.

    ``affine`` takes voxel indices (centres) to mm, see `overread.imaging.image.Image`.
    """
    points = (_corners(boxes.low, boxes.high) - 0.5) @ affine[:3, :3].T + affine[:3, 3]
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def from_world(
    corners: NDArray[np.float64], affine: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high corners ``(n, 3)`` on the grid of ``affine`` that enclose boxes ``(n, 6)`` in mm (RAS+).

    Raises InputError for an affine that cannot be inverted.
    """
    try:
        inverse = np.linalg.inv(affine)
    except np.linalg.LinAlgError as error:
        raise InputError("boxes: the image's affine is singular; its geometry is damaged") from error
    voxels = _corners(corners[:, :3], corners[:, 3:]) @ inverse[:3, :3].T + inverse[:3, 3] + 0.5
    return voxels.min(axis=1), voxels.max(axis=1)


def _corners(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(n, 2 ** d, d)``: the corners of every box."""
    picks = np.array([*product((False, True), repeat=low.shape[1])])
    return np.where(picks, high[:, None], low[:, None])
