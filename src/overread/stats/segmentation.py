"""Agreement of a segmentation with the truth: overlap, surface distance, volume, lesions.

Empty masks never give NaN, so that a missed structure counts against the mean: both empty is perfect
(Dice 1, distance 0), one empty is the worst there is (Dice 0, distance the image's diagonal).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_erosion, find_objects
from scipy.spatial import KDTree

from overread.stats.arrays import Bools


@dataclass(frozen=True)
class VolumeError:
    """Volumes in mm3 (mm2 in 2D) and their difference, predicted minus true.

    ``relative`` is the difference over the true volume; None where there is none but something was found.
    """

    predicted: float
    true: float
    difference: float
    relative: float | None


@dataclass(frozen=True)
class LesionDetection:
    """Lesions found (tp), false (fp) and missed (fn); ``f1`` is 2 tp / (2 tp + fp + fn), 1 if all are 0."""

    tp: int
    fp: int
    fn: int
    f1: float


def dice(pred: ArrayLike, truth: ArrayLike, label: int = 1) -> float:
    """Dice coefficient 2|A and B| / (|A| + |B|) of one label in two label maps (Dice, Ecology 1945;26:297).

    Both empty 1, one empty 0. Raises ValueError for different or empty shapes, or NaN.
    """
    a, b = _masks(pred, truth, label)
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2 * np.count_nonzero(a & b) / total if total else 1.0


def iou(pred: ArrayLike, truth: ArrayLike, label: int = 1) -> float:
    """Intersection over union (Jaccard) of one label. Both empty 1, one empty 0."""
    a, b = _masks(pred, truth, label)
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def hausdorff95(
    pred: ArrayLike,
    truth: ArrayLike,
    label: int = 1,
    spacing: ArrayLike | None = None,
    definition: Literal["voxel-boundary"] = "voxel-boundary",
) -> float:
    """95th percentile Hausdorff distance of one label's boundaries, in the unit of ``spacing`` (mm).

    ``voxel-boundary``: boundary voxels are those of the mask with a face neighbour outside it (or outside the
    image); distances between voxel centres; the larger of the two directed 95th percentiles, linearly
    interpolated. MONAI's definition. (medpy pools the two directions; surface-distance weights by area.)

    ``spacing`` is the voxel size per axis, 1 if not given. Both empty 0; one empty the diagonal of the image.
    """
    if definition != "voxel-boundary":
        raise ValueError(f"definition is {definition!r}, expected 'voxel-boundary'")
    a, b = _masks(pred, truth, label)
    size = _spacing(spacing, a.ndim)
    if not a.any() or not b.any():
        same = not a.any() and not b.any()
        return 0.0 if same else float(np.linalg.norm(np.array(a.shape) * size))
    box = find_objects((a | b).astype(np.uint8))[0]
    edge_a, edge_b = (mask & ~binary_erosion(mask) for mask in (a[box], b[box]))
    points_a, points_b = np.argwhere(edge_a) * size, np.argwhere(edge_b) * size
    return max(
        _directed(points_a, edge_b[edge_a], KDTree(points_b)),
        _directed(points_b, edge_a[edge_b], KDTree(points_a)),
    )


def volume_error(
    pred: ArrayLike, truth: ArrayLike, label: int = 1, spacing: ArrayLike | None = None
) -> VolumeError:
    """Predicted and true volume of one label. ``spacing`` in mm per axis, 1 if not given."""
    a, b = _masks(pred, truth, label)
    voxel = float(np.prod(_spacing(spacing, a.ndim)))
    predicted, true = np.count_nonzero(a) * voxel, np.count_nonzero(b) * voxel
    difference = predicted - true
    relative = difference / true if true else (0.0 if not predicted else None)
    return VolumeError(predicted, true, difference, relative)


def lesion_detection(
    pred: ArrayLike,
    truth: ArrayLike,
    label: int = 1,
    connectivity: Literal[6, 18, 26, 4, 8] = 26,
    min_overlap: float = 0.0,
) -> LesionDetection:
    """Lesions, the connected components of one label, found, false and missed.

    A true lesion is found if more than ``min_overlap`` of its voxels are predicted, or all; a predicted one
    is false unless more than ``min_overlap`` of its voxels, or all, are true. With 0 any common voxel counts.
    ``connectivity`` 6, 18 or 26 in 3D; in 2D 26 and 8 mean 8 neighbours, 6 and 4 mean 4.
    """
    import cc3d

    a, b = _masks(pred, truth, label)
    if not 0 <= min_overlap <= 1:
        raise ValueError(f"min_overlap is {min_overlap}, expected a fraction from 0 to 1")
    allowed = _CONNECTIVITY.get(a.ndim, {})
    if connectivity not in allowed:
        raise ValueError(
            f"connectivity {connectivity} does not fit {a.ndim} axes; expected one of {list(allowed)}"
        )

    def matched(mask: Bools, other: Bools) -> Bools:
        components, count = cc3d.connected_components(mask, connectivity=allowed[connectivity], return_N=True)
        sizes = np.bincount(components.ravel(), minlength=count + 1)[1:]
        common = np.bincount(components[other], minlength=count + 1)[1:]
        return (common > min_overlap * sizes) | (common == sizes)

    found, right = matched(b, a), matched(a, b)
    tp, fn, fp = int(found.sum()), int((~found).sum()), int((~right).sum())
    return LesionDetection(tp, fp, fn, 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0)


_Neighbours = Literal[4, 6, 8, 18, 26]
_CONNECTIVITY: dict[int, dict[int, _Neighbours]] = {
    2: {26: 8, 8: 8, 6: 4, 4: 4},
    3: {6: 6, 18: 18, 26: 26},
}


def _masks(pred: ArrayLike, truth: ArrayLike, label: int) -> tuple[Bools, Bools]:
    a, b = np.asarray(pred), np.asarray(truth)
    if a.shape != b.shape:
        raise ValueError(f"pred has shape {a.shape}, truth {b.shape}; expected one shape")
    if a.ndim < 1 or a.size == 0:
        raise ValueError(f"pred has shape {a.shape}, expected a label map with at least one voxel")
    for name, array in (("pred", a), ("truth", b)):
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise ValueError(f"{name} holds NaN, expected labels")
    return a == label, b == label


def _spacing(spacing: ArrayLike | None, ndim: int) -> NDArray[np.float64]:
    size = np.ones(ndim) if spacing is None else np.asarray(spacing, dtype=np.float64)
    if size.shape != (ndim,) or not (np.isfinite(size) & (size > 0)).all():
        raise ValueError(f"spacing is {spacing!r}, expected {ndim} positive numbers")
    return size


def _directed(points: NDArray[Any], shared: Bools, tree: KDTree) -> float:
    """95th percentile of the distances; points that both boundaries share need no search."""
    distances = np.zeros(len(points))
    distances[~shared] = tree.query(points[~shared])[0]
    return float(np.percentile(distances, 95))
