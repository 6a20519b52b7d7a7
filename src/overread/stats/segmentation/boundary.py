"""Boundary IoU: overlap of the bands along the two contours, sensitive where IoU of a large object is not."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import distance_transform_cdt, distance_transform_edt

from overread.stats.arrays import Bools, Floats
from overread.stats.segmentation.masks import bounding_box, diagonal, label_masks, voxel_size


def boundary_iou(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    spacing: ArrayLike | None = None,
    distance: float | None = None,
    method: Literal["euclidean", "chessboard"] = "euclidean",
) -> float:
    """IoU of the voxels of each mask within ``distance`` of its contour (Cheng et al., CVPR 2021).

    ``euclidean``: distance in mm from a voxel's centre to that of the nearest voxel outside the mask.
    ``chessboard``: steps of a 3 x 3 erosion, as in Cheng's code, ``distance`` then being whole steps.
    ``distance`` is 2% of the image's diagonal if not given (at least one voxel). Outside the image lies outside
    the mask. Both empty 1, one empty 0.
    """
    a, b = label_masks(pred, truth, label)
    size = voxel_size(spacing, a.ndim)
    if method not in ("euclidean", "chessboard"):
        raise ValueError(f"method is {method!r}, expected 'euclidean' or 'chessboard'")
    if method == "chessboard":
        size = np.ones(a.ndim)
    width = max(0.02 * diagonal(a.shape, size), float(size.min())) if distance is None else float(distance)
    if method == "chessboard" and distance is None:
        width = float(round(width))
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"distance is {distance}, expected a positive number")
    band_a, band_b = (_band(mask, size, width, method) for mask in (a, b))
    common, union = (int(np.count_nonzero(m)) for m in (band_a & band_b, band_a | band_b))
    return common / union if union else 1.0


def _band(mask: Bools, size: Floats, width: float, method: str) -> Bools:
    band = np.zeros_like(mask)
    if mask.any():
        box = bounding_box(mask)
        padded = np.pad(mask[box], 1)
        depth = (
            distance_transform_edt(padded, sampling=size)
            if method == "euclidean"
            else distance_transform_cdt(padded, metric="chessboard")
        )
        near = depth[(slice(1, -1),) * mask.ndim] <= width * (1 + 1e-9)
        band[box] = mask[box] & near
    return band
