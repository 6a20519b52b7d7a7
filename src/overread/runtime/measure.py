"""Volumes, areas and counts, with the prediction intervals that the tuning cases' errors give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.imaging.boxes import Boxes
from overread.imaging.grid.components import components
from overread.imaging.grid.geometry import voxel_volume
from overread.imaging.image import Image
from overread.runtime.answer import Measurement
from overread.runtime.manifest import Calibration, Manifest, Spread
from overread.runtime.measures import MEASURES, MeasureOf
from overread.runtime.regions import structures

SMALLEST_PART = 3
"""Voxels from which a separate part is counted: one or two are the network's noise, not a lesion."""


_NO_SUCH = "no tuning case in which as much was found"


def count_components(mask: NDArray[np.bool_], *, smallest: int = SMALLEST_PART) -> int:
    """Number of separate parts of ``smallest`` voxels or more; diagonal neighbours belong together (26 or 8)."""
    parts, count = components(mask)
    if smallest <= 1 or not count:
        return count
    return int((np.bincount(parts.ravel(), minlength=count + 1)[1:] >= smallest).sum())


def unit_volume(image: Image) -> tuple[str, str, float]:
    """What is measured on ``image``, its unit, and how much of it one voxel is.

    Volume in ml; in 2D area in mm2, or in pixels where the file states no pixel spacing.
    """
    if len(image.spatial) == 3:
        return "volume", "ml", voxel_volume(image.affine) / 1000
    if image.source.get("spacing_known", True):
        return "area", "mm2", float(np.prod(image.spacing))
    return "area", "{pixels}", 1.0


def measure(mask: NDArray[np.uint8], image: Image, manifest: Manifest) -> tuple[Measurement, ...]:
    """Volume or area (see `unit_volume`), for counted labels the number of parts, and what else the package measures of
    a label (`overread.runtime.measures`), with prediction intervals.

    The limits say where the true value of a further case lies, from the errors of tuning cases in which as much was
    found; where these were biased the interval need not hold the estimate. Where the tuning cases give none, the
    reason stands in its place.
    """
    out = []
    calibration = manifest.calibration
    name, unit, per_voxel = unit_volume(image)
    for label, values in structures(manifest.labels, manifest.regions).items():
        part = np.isin(mask, values)
        size = int(part.sum()) * per_voxel
        error = spread_of(label, size, calibration.volume_ratios, calibration.volume_ratio)
        ends = [(size + error.offset) * r - error.offset for r in (error.low, error.high)] if error else None
        out.append(_measurement(label, name, size, ends, unit, error, calibration))
        if label in manifest.counted_labels:
            parts = count_components(part, smallest=manifest.smallest_part)
            out.append(_count(label, parts, calibration))
        for key in manifest.measures.get(label, ()):
            taken = _shape(MEASURES[key], label, part, image, size, calibration)
            out += [] if taken is None else [taken]
    return tuple(out)


def _shape(
    kind: MeasureOf,
    label: str,
    part: NDArray[np.bool_],
    image: Image,
    size: float,
    calibration: Calibration,
) -> Measurement | None:
    """One measure of a label of which ``size`` was found; None of a place where nothing was."""
    value = kind.of(part, image)
    if value is None:
        return None
    unit, parts = kind.unit_on(image), calibration.measures.get(label, {})
    error = spread_of(kind.key, size, parts, {})
    if error is None:
        reason = calibration.reasons.get(label, _NO_SUCH if parts.get(kind.key) else "")
        return Measurement(label, kind.name, value, None, None, unit, reason=reason)
    if kind.error == "difference":
        return Measurement(
            label, kind.name, value, value + error.low, value + error.high, unit, error.coverage
        )
    low, high = (max(0.0, (value + error.offset) * r - error.offset) for r in (error.low, error.high))
    return Measurement(label, kind.name, value, low, high, unit, error.coverage)


def count_objects(boxes: Boxes, labels: Sequence[str], calibration: Calibration) -> tuple[Measurement, ...]:
    """Number of boxes of each label, with prediction intervals as in `measure`."""
    numbers = np.bincount(boxes.labels, minlength=len(labels))
    return tuple(_count(label, int(n), calibration) for label, n in zip(labels, numbers, strict=True))


def spread_of(
    label: str, found: float, parts: Mapping[str, Sequence[Spread]], whole: Mapping[str, Spread]
) -> Spread | None:
    """The error of tuning cases in which as much was ``found``: the part that holds it, else none; for a label
    without parts (earlier packages) that of all tuning cases."""
    if label not in parts:
        return whole.get(label)
    holding = (
        p for p in parts[label] if p.found_from <= found and (p.found_to is None or found < p.found_to)
    )
    return next(holding, None)


def _count(label: str, n: int, calibration: Calibration) -> Measurement:
    error = spread_of(label, n, calibration.count_differences, calibration.count_difference)
    ends = [n + error.low, n + error.high] if error else None
    return _measurement(label, "count", n, ends, "1", error, calibration)


def _measurement(
    label: str,
    name: str,
    value: float,
    ends: list[float] | None,
    unit: str,
    error: Spread | None,
    calibration: Calibration,
) -> Measurement:
    if ends is None or error is None:
        parts = calibration.count_differences if name == "count" else calibration.volume_ratios
        reason = calibration.reasons.get(label, _NO_SUCH if parts.get(label) else "")
        return Measurement(label, name, value, None, None, unit, reason=reason)
    return Measurement(label, name, value, max(0.0, ends[0]), max(0.0, ends[1]), unit, error.coverage)
