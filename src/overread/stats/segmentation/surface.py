"""Surfaces of two masks and the distances from each to the other, by two definitions.

``voxel-boundary``: the surface is the voxels of the mask with a face neighbour outside it (or outside the
image), each of weight 1; distances run between voxel centres. MONAI, medpy and Metrics Reloaded use it.

``surface-area``: the surface runs between the voxels, half a voxel further out, in pieces weighted by their
area (length in 2D); distances run between the corners of the voxel grid. Nikolov et al. (J Med Internet Res
2021;23:e26151), the package surface-distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats
from overread.stats.segmentation.masks import bounding_box, label_masks, union_box, voxel_size
from overread.stats.segmentation.nearest import nearest_distances
from overread.stats.segmentation.surfels import neighbour_codes, surfel_sizes

Definition = Literal["voxel-boundary", "surface-area"]


@dataclass(frozen=True)
class SurfaceDistances:
    """Distance in mm from each piece of one surface to the nearest of the other, and each piece's weight.

    ``pred_to_truth`` (m,) and ``pred_weight`` (m,) belong to the predicted surface, ``truth_to_pred`` (k,) and
    ``truth_weight`` (k,) to the true one. Distances beyond a requested reach are infinite.
    """

    pred_to_truth: Floats
    pred_weight: Floats
    truth_to_pred: Floats
    truth_weight: Floats
    definition: str


def surface_distances(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    spacing: ArrayLike | None = None,
    definition: Definition = "voxel-boundary",
) -> SurfaceDistances:
    """All distances between the two surfaces of one label, for any summary of them.

    Raises ValueError where prediction or truth is empty: there is no surface to measure from.
    """
    a, b = label_masks(pred, truth, label)
    if not a.any() or not b.any():
        raise ValueError(f"label {label} is empty in pred or truth; expected at least one voxel in both")
    return distances_of(a, b, voxel_size(spacing, a.ndim), definition=definition)


def distances_of(
    a: Bools, b: Bools, size: Floats, *, definition: str = "voxel-boundary", reach: float = np.inf
) -> SurfaceDistances:
    """Distances between the surfaces of two masks that both hold a voxel, exact up to ``reach`` mm."""
    box = union_box(bounding_box(a), bounding_box(b))
    a, b = a[box], b[box]
    weights: tuple[Floats, Floats]
    if definition == "voxel-boundary":
        on_a, on_b = boundary(a), boundary(b)
        weights = np.ones(np.count_nonzero(on_a)), np.ones(np.count_nonzero(on_b))
    elif definition == "surface-area":
        if a.ndim not in (2, 3):
            raise ValueError(f"definition 'surface-area' needs 2 or 3 axes, found {a.ndim}")
        codes_a, codes_b = neighbour_codes(a), neighbour_codes(b)
        sizes = surfel_sizes(size)
        # All voxels out or all in: no surface passes.
        on_a, on_b = ((codes != 0) & (codes != len(sizes) - 1) for codes in (codes_a, codes_b))
        weights = sizes[codes_a[on_a]], sizes[codes_b[on_b]]
    else:
        raise ValueError(f"definition is {definition!r}, expected 'voxel-boundary' or 'surface-area'")
    return SurfaceDistances(
        nearest_distances(on_a, on_b, size, reach=reach),
        weights[0],
        nearest_distances(on_b, on_a, size, reach=reach),
        weights[1],
        definition,
    )


def boundary(mask: Bools) -> Bools:
    """Voxels of the mask with a face neighbour outside it or outside the array."""
    inner = mask.copy()
    for axis in range(mask.ndim):
        here, there = np.moveaxis(inner, axis, 0), np.moveaxis(mask, axis, 0)
        here[1:] &= there[:-1]
        here[:-1] &= there[1:]
        here[0] = here[-1] = False
    edge: Bools = mask ^ inner
    return edge
