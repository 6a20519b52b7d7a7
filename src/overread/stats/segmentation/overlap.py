"""Voxels counted against the truth, and the ratios of those counts.

No ratio is ever NaN. Where prediction and truth are both empty every ratio is 1 (nothing to find, nothing
found); where only one of them is, Dice, IoU, sensitivity and precision are 0, so that a missed structure and
one found where there is none both count against a mean over cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.segmentation.masks import label_masks


@dataclass(frozen=True)
class VoxelCounts:
    """Voxels of one label: right (tp), false (fp), missed (fn) and rightly left out (tn)."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def dice(self) -> float:
        """2 tp / (2 tp + fp + fn)."""
        return self._ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """Intersection over union: tp / (tp + fp + fn)."""
        return self._ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def sensitivity(self) -> float:
        """Part of the true voxels that were found: tp / (tp + fn)."""
        return self._ratio(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Part of the predicted voxels that are true: tp / (tp + fp)."""
        return self._ratio(self.tp, self.tp + self.fp)

    @property
    def specificity(self) -> float:
        """Part of the voxels outside the truth that were left out: tn / (tn + fp); 1 if there are none."""
        return self.tn / (self.tn + self.fp) if self.tn + self.fp else 1.0

    @property
    def accuracy(self) -> float:
        """Part of all voxels that are right; it grows with the background that the image happens to hold."""
        return (self.tp + self.tn) / (self.tp + self.fp + self.fn + self.tn)

    def _ratio(self, part: int, whole: int) -> float:
        if whole:
            return part / whole
        return 1.0 if self.fp + self.fn == 0 else 0.0


def voxel_counts(pred: ArrayLike, truth: ArrayLike, *, label: int = 1) -> VoxelCounts:
    """Counts of one label in two label maps of one shape.

    Raises ValueError for different or empty shapes, or NaN.
    """
    a, b = label_masks(pred, truth, label)
    tp, found, true = (int(np.count_nonzero(m)) for m in (a & b, a, b))
    return VoxelCounts(tp, found - tp, true - tp, a.size - found - true + tp)


def dice(pred: ArrayLike, truth: ArrayLike, *, label: int = 1) -> float:
    """Dice coefficient 2|A and B| / (|A| + |B|) of one label in two label maps (Dice, Ecology 1945;26:297).

    Both empty 1, one empty 0. Raises ValueError for different or empty shapes, or NaN.
    """
    return voxel_counts(pred, truth, label=label).dice


def iou(pred: ArrayLike, truth: ArrayLike, *, label: int = 1) -> float:
    """Intersection over union (Jaccard) of one label. Both empty 1, one empty 0."""
    return voxel_counts(pred, truth, label=label).iou


def sensitivity(pred: ArrayLike, truth: ArrayLike, *, label: int = 1) -> float:
    """Part of the true voxels of one label that were found (recall). Both empty 1, one empty 0."""
    return voxel_counts(pred, truth, label=label).sensitivity


def precision(pred: ArrayLike, truth: ArrayLike, *, label: int = 1) -> float:
    """Part of the predicted voxels of one label that are true. Both empty 1, one empty 0."""
    return voxel_counts(pred, truth, label=label).precision


def specificity(pred: ArrayLike, truth: ArrayLike, *, label: int = 1) -> float:
    """Part of the voxels outside the truth that were left out; 1 where the truth fills the image."""
    return voxel_counts(pred, truth, label=label).specificity


def accuracy(pred: ArrayLike, truth: ArrayLike, *, label: int = 1) -> float:
    """Part of all voxels that are right for one label; mostly background, so read it with Dice."""
    return voxel_counts(pred, truth, label=label).accuracy
