"""Boxes on an image's grid: one type, one convention, so that none is lost or shifted between readers and networks.

Corners are continuous voxel coordinates in the order of the array's axes, counted from the outer edge of the first
voxel: voxel ``i`` reaches from ``i`` to ``i + 1``, and a whole image from 0 to its shape. In a 2D image the first axis
is the row (y, downwards), the second the column (x).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError


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

    def moved(self, factor: Sequence[float], shift: Sequence[float] = ()) -> Boxes:
        """Every corner times ``factor`` plus ``shift``, per axis: onto a resized or padded grid. No box is dropped."""
        by, to = np.asarray(factor, np.float64), np.asarray(shift or [0.0] * self.axes, np.float64)
        a, b = self.low * by + to, self.high * by + to
        return replace(self, low=np.minimum(a, b), high=np.maximum(a, b))

    def clipped(self, spatial: Sequence[int]) -> Boxes:
        """Corners moved into ``0..spatial``. No box is dropped, one wholly outside becomes empty."""
        top = np.asarray(spatial, np.float64)
        return replace(self, low=np.clip(self.low, 0, top), high=np.clip(self.high, 0, top))

    def inside(self, spatial: Sequence[int], *, share: float = 0.0) -> NDArray[np.bool_]:
        """``(n,)``: whether more than ``share`` of each box's extent (area, volume) lies within ``0..spatial``."""
        cut = self.clipped(spatial)
        whole = np.prod(self.high - self.low, axis=1)
        kept: NDArray[np.bool_] = np.prod(cut.high - cut.low, axis=1) > share * whole
        return kept


def to_world(boxes: Boxes, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(n, 6)``: the boxes of a volume as ``x0, y0, z0, x1, y1, z1`` in mm (RAS+); oblique ones are enclosed.

    ``affine`` takes voxel indices (centres) to mm, see `overread.imaging.image.Image`.
    """
    out = np.zeros((len(boxes), 6))
    for i, corners in enumerate(_corners(boxes.low, boxes.high)):
        points = (corners - 0.5) @ affine[:3, :3].T + affine[:3, 3]
        out[i] = [*points.min(axis=0), *points.max(axis=0)]
    return out


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
    low, high = np.zeros((len(corners), 3)), np.zeros((len(corners), 3))
    for i, points in enumerate(_corners(corners[:, :3], corners[:, 3:])):
        voxels = points @ inverse[:3, :3].T + inverse[:3, 3] + 0.5
        low[i], high[i] = voxels.min(axis=0), voxels.max(axis=0)
    return low, high


def _corners(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The ``2 ** d`` corners of every box."""
    both = np.stack([low, high])
    picks = list(product((0, 1), repeat=low.shape[1]))
    return [
        np.array([[both[p, i, a] for a, p in enumerate(pick)] for pick in picks]) for i in range(len(low))
    ]
