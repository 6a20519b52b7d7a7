"""Centreline Dice: does the prediction follow the tree, whatever the thickness of its branches."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools
from overread.stats.segmentation.masks import bounding_box, label_masks


def cldice(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    skeletons: tuple[ArrayLike, ArrayLike] | None = None,
) -> float:
    """Centreline Dice of tubular structures in 2D or 3D (Shit et al., CVPR 2021).

    The harmonic mean of topology precision (part of the predicted skeleton inside the true mask) and topology
    sensitivity (part of the true skeleton inside the predicted mask). Both empty 1, one empty 0.

    ``skeletons`` are masks of the skeletons of ``pred`` and ``truth``; without them scikit-image makes them
    (Zhang and Suen in 2D, Lee in 3D), and its absence is an ImportError. Another thinning gives other values.
    """
    a, b = label_masks(pred, truth, label)
    if not a.any() or not b.any():
        return 0.0 if a.any() or b.any() else 1.0
    if skeletons is None:
        line_a, line_b = skeleton(a), skeleton(b)
    else:
        line_a, line_b = (np.asarray(s).astype(np.bool_) for s in skeletons)
        for name, line, mask in (("pred", line_a, a), ("truth", line_b, b)):
            if line.shape != mask.shape:
                raise ValueError(f"the skeleton of {name} has shape {line.shape}, expected {mask.shape}")
            if (line & ~mask).any() or not line.any():
                raise ValueError(f"the skeleton of {name} is empty or leaves its mask")
    precision = np.count_nonzero(line_a & b) / np.count_nonzero(line_a)
    sensitivity = np.count_nonzero(line_b & a) / np.count_nonzero(line_b)
    both = precision + sensitivity
    return float(2 * precision * sensitivity / both) if both else 0.0


def skeleton(mask: ArrayLike) -> Bools:
    """Skeleton of a mask in 2D or 3D by scikit-image: one voxel wide, of the same connection."""
    try:
        from skimage.morphology import skeletonize
    except ImportError as error:
        raise ImportError(
            "skeletons need scikit-image (pip install scikit-image), or give the masks of the skeletons"
        ) from error
    inside = np.asarray(mask).astype(np.bool_)
    if inside.ndim not in (2, 3):
        raise ValueError(f"mask has {inside.ndim} axes, expected 2 or 3")
    line = np.zeros_like(inside)
    if inside.any():
        box = bounding_box(inside)
        line[box] = skeletonize(np.pad(inside[box], 1))[(slice(1, -1),) * inside.ndim]
    return line
