"""Hausdorff, average and tolerance measures of the distance between two surfaces.

Empty masks never give NaN. Both empty: distance 0, surface Dice 1. One empty: the surface Dice is 0 and the
distance is the diagonal of the image, the worst there is, so that a missed structure raises the mean; ``missed``
sets another value (a challenge's penalty such as 374 mm, or ``float("nan")`` where a reader insists).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats
from overread.stats.segmentation.masks import diagonal, label_masks, voxel_size
from overread.stats.segmentation.surface import Definition, SurfaceDistances, distances_of

HausdorffDefinition = Literal["voxel-boundary", "pooled", "surface-area"]

# A distance that equals the tolerance on paper lies within it although 3 x 0.1 is more than 0.3 in binary.
_ROUNDING = 1 + 1e-9


def hausdorff(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    spacing: ArrayLike | None = None,
    definition: HausdorffDefinition = "voxel-boundary",
    missed: float | None = None,
    percentile: float = 100,
) -> float:
    """Hausdorff distance of one label's surfaces in the unit of ``spacing`` (Huttenlocher, TPAMI 1993;15:850).

    ``voxel-boundary``: the larger of the two directed ``percentile``-th percentiles, linearly interpolated, of
    the distances between boundary voxels (MONAI). ``pooled``: the percentile of both directions together
    (medpy). ``surface-area``: the larger of the directed percentiles, each weighted by surface area, on the
    grid half a voxel off (DeepMind's surface-distance). At 100 the first two agree.

    Both empty 0; one empty ``missed``, the diagonal of the image if not given.
    """
    if definition not in ("voxel-boundary", "pooled", "surface-area"):
        raise ValueError(
            f"definition is {definition!r}, expected 'voxel-boundary', 'pooled' or 'surface-area'"
        )
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile is {percentile}, expected more than 0 and at most 100")
    surface: Definition = "surface-area" if definition == "surface-area" else "voxel-boundary"
    return _measured(
        pred,
        truth,
        label,
        spacing,
        surface,
        missed,
        lambda d: hausdorff_of(d, percentile, pooled=definition == "pooled"),
    )


def hausdorff95(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    spacing: ArrayLike | None = None,
    definition: HausdorffDefinition = "voxel-boundary",
    missed: float | None = None,
) -> float:
    """95th percentile Hausdorff distance of one label's surfaces, in the unit of ``spacing`` (mm).

    The definitions differ by up to half a voxel, so a report names the one it used: see ``hausdorff``.
    ``spacing`` is the voxel size per axis, 1 if not given. Both empty 0; one empty ``missed``, the diagonal of
    the image if not given.
    """
    return hausdorff(
        pred, truth, label=label, spacing=spacing, definition=definition, missed=missed, percentile=95
    )


def assd(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    spacing: ArrayLike | None = None,
    definition: Definition = "voxel-boundary",
    missed: float | None = None,
) -> float:
    """Average symmetric surface distance: the mean over both surfaces together, weighted by their pieces.

    As in MONAI, medpy and Metrics Reloaded (Reinke, Nat Methods 2024;21:182). A large surface weighs more than
    a small one; ``masd`` gives both the same weight.
    """
    return _measured(pred, truth, label, spacing, definition, missed, assd_of)


def masd(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    spacing: ArrayLike | None = None,
    definition: Definition = "voxel-boundary",
    missed: float | None = None,
) -> float:
    """Mean average surface distance: the two directed means, averaged, whatever the size of each surface."""
    return _measured(pred, truth, label, spacing, definition, missed, masd_of)


def nsd(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    label: int = 1,
    spacing: ArrayLike | None = None,
    tolerance: float,
    definition: Definition = "voxel-boundary",
) -> float:
    """Normalised surface distance (surface Dice): the part of both surfaces within ``tolerance`` mm of the other.

    Nikolov et al. (J Med Internet Res 2021;23:e26151), who weight by area (``surface-area``); MONAI and Metrics
    Reloaded count boundary voxels (``voxel-boundary``). Choose the tolerance from what readers differ by, never
    after seeing the results. Both empty 1, one empty 0.
    """
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance is {tolerance}, expected a distance in mm of 0 or more")
    return _measured(
        pred,
        truth,
        label,
        spacing,
        definition,
        0.0,
        lambda d: nsd_of(d, tolerance),
        both_empty=1.0,
        reach=tolerance,
    )


def hausdorff_of(d: SurfaceDistances, percentile: float, *, pooled: bool = False) -> float:
    """Hausdorff distance or percentile of measured surface distances."""
    if pooled:
        return float(np.percentile(np.concatenate([d.pred_to_truth, d.truth_to_pred]), percentile))
    sides = (d.pred_to_truth, d.pred_weight), (d.truth_to_pred, d.truth_weight)
    if d.definition == "surface-area":
        return max(_weighted_percentile(values, weight, percentile) for values, weight in sides)
    return max(float(np.percentile(values, percentile)) for values, _ in sides)


def assd_of(d: SurfaceDistances) -> float:
    """Mean of measured surface distances, both directions pooled."""
    total = d.pred_to_truth @ d.pred_weight + d.truth_to_pred @ d.truth_weight
    return float(total / (d.pred_weight.sum() + d.truth_weight.sum()))


def masd_of(d: SurfaceDistances) -> float:
    """Average of the two directed means of measured surface distances."""
    there = d.pred_to_truth @ d.pred_weight / d.pred_weight.sum()
    back = d.truth_to_pred @ d.truth_weight / d.truth_weight.sum()
    return float((there + back) / 2)


def nsd_of(d: SurfaceDistances, tolerance: float) -> float:
    """Part of both surfaces within the tolerance."""
    limit = tolerance * _ROUNDING
    within = (d.pred_weight @ (d.pred_to_truth <= limit)) + (d.truth_weight @ (d.truth_to_pred <= limit))
    return float(within / (d.pred_weight.sum() + d.truth_weight.sum()))


def _measured(
    pred: ArrayLike,
    truth: ArrayLike,
    label: int,
    spacing: ArrayLike | None,
    definition: str,
    missed: float | None,
    summary: Callable[[SurfaceDistances], float],
    both_empty: float = 0.0,
    reach: float = np.inf,
) -> float:
    a, b = label_masks(pred, truth, label)
    size = voxel_size(spacing, a.ndim)
    absent = if_empty(a, b, size, missed=missed, both_empty=both_empty)
    return summary(distances_of(a, b, size, definition=definition, reach=reach)) if absent is None else absent


def if_empty(
    a: Bools, b: Bools, size: Floats, *, missed: float | None = None, both_empty: float = 0.0
) -> float | None:
    """The stated value where a mask is empty; None where both hold something to measure."""
    some_a, some_b = bool(a.any()), bool(b.any())
    if some_a and some_b:
        return None
    if some_a == some_b:
        return both_empty
    return diagonal(a.shape, size) if missed is None else float(missed)


def _weighted_percentile(values: Floats, weight: Floats, percentile: float) -> float:
    """Smallest value at which the given percentage of the weight is reached."""
    order = np.argsort(values)
    share = np.cumsum(weight[order]) / weight.sum()
    # A share that is reached on paper is reached, whatever the order of the summands has rounded.
    index = min(int(np.searchsorted(share, percentile / 100 - 1e-12)), len(values) - 1)
    return float(values[order][index])
