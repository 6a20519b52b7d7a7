"""Lesions one by one: found, false and missed, and the Dice of each.

The Dice of all lesions together hides a missed small lesion behind a large one; here each counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_dilation, generate_binary_structure

from overread.stats.arrays import Bools, Floats
from overread.stats.segmentation.masks import joint_counts, label_masks, voxel_size

Connectivity = Literal[4, 6, 8, 18, 26]
_CONNECTIVITY: dict[int, dict[int, Connectivity]] = {
    2: {26: 8, 8: 8, 6: 4, 4: 4},
    3: {6: 6, 18: 18, 26: 26},
}


@dataclass(frozen=True)
class LesionDetection:
    """Lesions found (tp), false (fp) and missed (fn); ``f1`` is 2 tp / (2 tp + fp + fn), 1 if all are 0."""

    tp: int
    fp: int
    fn: int
    f1: float


@dataclass(frozen=True)
class LesionWiseDice:
    """Mean Dice over lesions: ``dice`` = sum of the true lesions' Dice / (true lesions + false ones).

    ``per_lesion`` (n,) is the Dice of each true lesion, 0 where missed, and ``volume`` (n,) its size in mm3;
    ``tp``, ``fp`` and ``fn`` count lesions. Without any lesion, true or predicted, ``dice`` is 1.
    """

    dice: float
    per_lesion: tuple[float, ...]
    volume: tuple[float, ...]
    tp: int
    fp: int
    fn: int


def lesion_detection(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    connectivity: Connectivity = 26,
    min_overlap: float = 0.0,
) -> LesionDetection:
    """Lesions, the connected components of one label, found, false and missed.

    A true lesion is found if more than ``min_overlap`` of its voxels are predicted, or all; a predicted one
    is false unless more than ``min_overlap`` of its voxels, or all, are true. With 0 any common voxel counts.
    ``connectivity`` 6, 18 or 26 in 3D; in 2D 26 and 8 mean 8 neighbours, 6 and 4 mean 4.
    """
    a, b = label_masks(pred, truth, label)
    if not 0 <= min_overlap <= 1:
        raise ValueError(f"min_overlap is {min_overlap}, expected a fraction from 0 to 1")

    def matched(mask: Bools, other: Bools) -> Bools:
        parts, count = components(mask, connectivity=connectivity)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        common = np.bincount(parts[other], minlength=count + 1)[1:]
        enough: Bools = (common > min_overlap * sizes) | (common == sizes)
        return enough

    found, right = matched(b, a), matched(a, b)
    tp, fn, fp = int(found.sum()), int((~found).sum()), int((~right).sum())
    return LesionDetection(tp, fp, fn, 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0)


def lesion_wise_dice(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    spacing: ArrayLike | None = None,
    connectivity: Connectivity = 26,
    dilation: int = 0,
    min_volume: float = 0.0,
) -> LesionWiseDice:
    """Dice of each lesion, averaged with every missed and every false lesion as 0 (BraTS 2023).

    The true mask is dilated ``dilation`` times (18 neighbours in 3D, 8 in 2D; BraTS uses 1 to 3): true parts
    that the dilation joins are one lesion. All predicted components that touch a dilated lesion are taken
    together as its prediction, and the Dice is that of the undilated masks. A predicted component that touches
    no lesion is false. True lesions of ``min_volume`` mm3 or less count neither as found nor as missed, and
    what touches only them is not false. Saluja et al., BraTS lesion-wise metrics (2023).

    A component that touches two lesions belongs to both and lowers the Dice of both.
    """
    a, b = label_masks(pred, truth, label)
    size = voxel_size(spacing, a.ndim)
    if int(dilation) != dilation or dilation < 0:
        raise ValueError(f"dilation is {dilation}, expected a whole number of steps, 0 or more")
    if not (np.isfinite(min_volume) and min_volume >= 0):
        raise ValueError(f"min_volume is {min_volume}, expected mm3, 0 or more")
    grown = _dilated(b, int(dilation))
    regions, lesions = components(grown, connectivity=connectivity)
    parts, found = components(a, connectivity=connectivity)
    # Every count comes from voxels in a mask, most of the image never being touched.
    sizes = np.bincount(regions[b], minlength=lesions + 1)[1:]
    part_sizes = np.bincount(parts[a], minlength=found + 1)[1:]
    touching = joint_counts(regions[a], parts[a], lesions, found) > 0
    common = joint_counts(regions[a & b], parts[a & b], lesions, found)
    scores: Floats = 2 * common.sum(axis=1) / np.maximum(touching @ part_sizes + sizes, 1)
    volume = sizes * float(np.prod(size))
    kept = volume > min_volume
    hit = touching.sum(axis=1) > 0
    tp, fn = int((hit & kept).sum()), int((~hit & kept).sum())
    fp = int((touching.sum(axis=0) == 0).sum())
    total = tp + fn + fp
    return LesionWiseDice(
        float(scores[kept].sum() / total) if total else 1.0,
        tuple(scores[kept].tolist()),
        tuple(volume[kept].tolist()),
        tp,
        fp,
        fn,
    )


def components(mask: Bools, *, connectivity: int = 26) -> tuple[NDArray[Any], int]:
    """Connected components of a mask numbered from 1, and their count; 26 means 8 neighbours in 2D."""
    import cc3d

    allowed = _CONNECTIVITY.get(mask.ndim, {})
    if connectivity not in allowed:
        raise ValueError(
            f"connectivity {connectivity} does not fit {mask.ndim} axes; expected one of {list(allowed)}"
        )
    # cc3d 4.1 has a way of its own for bool, which in 2D with 8 neighbours numbers some background pixels too.
    inside = mask.astype(np.uint8)
    parts, count = cc3d.connected_components(inside, connectivity=allowed[connectivity], return_N=True)
    return parts, int(count)


def _dilated(mask: Bools, steps: int) -> Bools:
    if steps == 0 or not mask.any():
        return mask
    grown: Bools = binary_dilation(mask, generate_binary_structure(mask.ndim, 2), iterations=steps)
    return grown
