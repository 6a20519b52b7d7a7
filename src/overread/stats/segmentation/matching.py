"""Lesions matched one to one: each true one is found by at most one part, each part finds at most one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from overread.stats.arrays import as_count
from overread.stats.segmentation.lesions import Connectivity, components
from overread.stats.segmentation.masks import joint_counts, label_masks


@dataclass(frozen=True)
class LesionMatches:
    """``tp`` pairs, ``fp`` parts without a true lesion, ``fn`` true lesions without a part.

    ``merged``: parts that touch two true lesions or more; ``split``: true lesions that two parts or more touch.
    """

    tp: int
    fp: int
    fn: int
    merged: int
    split: int


def match_lesions(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    connectivity: Connectivity = 26,
    iou_threshold: float = 0.1,
    min_voxels: int = 1,
) -> LesionMatches:
    """Connected parts of one label in two masks, matched one to one.

    A pair may match where intersection over union exceeds ``iou_threshold``; of all one-to-one matchings that with the
    largest total is taken (as ``panoptic_quality`` does). Localisation by a low threshold is what Metrics Reloaded
    advises where existence counts more than the outline (Maier-Hein, Nat Methods 2024;21:195). Parts of fewer than
    ``min_voxels`` count neither as found, false nor missed; a part that touches only such a true lesion is not false.

    Raises ValueError for masks of different shapes, a threshold outside 0 to 1, or ``min_voxels`` below 1.
    """
    if not 0 <= iou_threshold < 1:
        raise ValueError(f"iou_threshold is {iou_threshold}, expected at least 0 and less than 1")
    least = as_count(min_voxels, "min_voxels", least=1)
    a, b = label_masks(pred, truth, label)
    found, parts = components(a, connectivity=connectivity)
    real, lesions = components(b, connectivity=connectivity)
    part_size = np.bincount(found[a], minlength=parts + 1)[1:]
    size = np.bincount(real[b], minlength=lesions + 1)[1:]
    both = a & b
    common = joint_counts(real[both], found[both], lesions, parts).toarray()
    counted, large = size >= least, part_size >= least
    iou = common / np.maximum(size[:, None] + part_size[None, :] - common, 1)
    able = np.where((iou > iou_threshold) & counted[:, None] & large[None, :], iou, 0.0)
    rows, columns = linear_sum_assignment(able, maximize=True)
    hit = able[rows, columns] > 0
    tp = int(hit.sum())
    taken = np.zeros(parts, dtype=np.bool_)
    taken[columns[hit]] = True
    touches = common > 0
    excused = touches[~counted].any(axis=0) & ~touches[counted].any(axis=0)
    false = large & ~taken & ~excused
    seen = touches[counted][:, large]
    return LesionMatches(
        tp,
        int(false.sum()),
        int(counted.sum()) - tp,
        int((seen.sum(axis=0) > 1).sum()),
        int((seen.sum(axis=1) > 1).sum()),
    )
