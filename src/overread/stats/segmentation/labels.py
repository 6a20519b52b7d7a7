"""Every metric of every label of a case in one call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import find_objects

from overread.stats.segmentation.distance import assd_of, hausdorff_of, masd_of, nsd_of
from overread.stats.segmentation.masks import diagonal, union_box, voxel_size, whole_labels
from overread.stats.segmentation.overlap import VoxelCounts
from overread.stats.segmentation.surface import Definition, distances_of
from overread.stats.segmentation.volume import VolumeError, volume_error_of


@dataclass(frozen=True)
class SegmentationMetrics:
    """Metrics of one label in one case; distances in mm, volumes in mm3, ``nsd`` at ``tolerance`` mm.

    ``definition`` is that of the surfaces. ``nsd`` and ``tolerance`` are None where no tolerance was given.
    """

    counts: VoxelCounts
    dice: float
    iou: float
    sensitivity: float
    precision: float
    hausdorff: float
    hausdorff95: float
    assd: float
    masd: float
    nsd: float | None
    volume: VolumeError
    definition: str
    tolerance: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def segmentation_metrics(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    labels: Iterable[int] | None = None,
    spacing: ArrayLike | None = None,
    tolerance: float | None = None,
    definition: Definition = "voxel-boundary",
    missed: float | None = None,
) -> dict[int, SegmentationMetrics]:
    """Metrics of each label of two label maps, every surface being measured once.

    ``labels`` are those that occur in either map, without 0, if not given. A label that only one map holds gets
    the stated penalties (0, or ``missed``, the image's diagonal if not given); in neither it is perfect.

    Raises ValueError for different or empty shapes, NaN, or labels that are not whole numbers from 0.
    """
    a, b = whole_labels(pred, truth)
    size = voxel_size(spacing, a.ndim)
    boxes_a, boxes_b = (find_objects(m) for m in (a, b))
    present = [i + 1 for i, box in enumerate(_longest(boxes_a, boxes_b)) if box]
    wanted = present if labels is None else list(labels)
    worst = diagonal(a.shape, size) if missed is None else float(missed)
    found = {}
    for label in wanted:
        boxes = [box for box in (_box(boxes_a, label), _box(boxes_b, label)) if box is not None]
        box = union_box(boxes[0], boxes[-1]) if boxes else (slice(0, 0),) * a.ndim
        mask_a, mask_b = a[box] == label, b[box] == label
        tp, n_a, n_b = (int(np.count_nonzero(m)) for m in (mask_a & mask_b, mask_a, mask_b))
        counts = VoxelCounts(tp, n_a - tp, n_b - tp, a.size - n_a - n_b + tp)
        hd = hd95 = pooled = mean = worst if boxes else 0.0
        surface = None if tolerance is None else float(not boxes)
        if len(boxes) == 2:
            d = distances_of(mask_a, mask_b, size, definition=definition)
            hd, hd95, pooled, mean = hausdorff_of(d, 100), hausdorff_of(d, 95), assd_of(d), masd_of(d)
            surface = None if tolerance is None else nsd_of(d, tolerance)
        voxel = float(np.prod(size))
        found[int(label)] = SegmentationMetrics(
            counts,
            counts.dice,
            counts.iou,
            counts.sensitivity,
            counts.precision,
            hd,
            hd95,
            pooled,
            mean,
            surface,
            volume_error_of(n_a * voxel, n_b * voxel),
            definition,
            tolerance,
        )
    return found


_Boxes = list[tuple[slice, ...] | None]


def _longest(a: _Boxes, b: _Boxes) -> list[bool]:
    return [
        any(i < len(boxes) and boxes[i] is not None for boxes in (a, b)) for i in range(max(len(a), len(b)))
    ]


def _box(boxes: _Boxes, label: int) -> tuple[slice, ...] | None:
    if int(label) != label or label < 1:
        raise ValueError(f"label is {label}, expected a whole number from 1")
    return boxes[label - 1] if label <= len(boxes) else None
