"""Volume of a segmentation against that of the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.segmentation.masks import label_masks, voxel_size


@dataclass(frozen=True)
class VolumeError:
    """Volumes in mm3 (mm2 in 2D) and their difference, predicted minus true.

    ``relative`` is the difference over the true volume; None where there is none but something was found.
    """

    predicted: float
    true: float
    difference: float
    relative: float | None


def volume_error(
    pred: ArrayLike, truth: ArrayLike, *, label: int = 1, spacing: ArrayLike | None = None
) -> VolumeError:
    """Predicted and true volume of one label. ``spacing`` in mm per axis, 1 if not given."""
    a, b = label_masks(pred, truth, label)
    voxel = float(np.prod(voxel_size(spacing, a.ndim)))
    return volume_error_of(int(np.count_nonzero(a)) * voxel, int(np.count_nonzero(b)) * voxel)


def volume_error_of(predicted: float, true: float) -> VolumeError:
    """The error of two volumes in mm3."""
    difference = predicted - true
    relative = difference / true if true else (0.0 if not predicted else None)
    return VolumeError(predicted, true, difference, relative)
