"""Boxes in 2D and 3D: formats, sizes, overlap.

A box is one row of corner coordinates, the lower corner first: ``x1 y1 x2 y2`` (n, 4) or ``z1 y1 x1 z2 y2 x2``
(n, 6), continuous, so that the width is ``x2 - x1``. The order of the axes is free as long as it is one order.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats

BoxFormat = Literal["corners", "pixel-corners", "corner-size", "centre-size"]
_FORMATS = ("corners", "pixel-corners", "corner-size", "centre-size")


def as_boxes(boxes: ArrayLike, *, name: str = "boxes", axes: int | None = None) -> Floats:
    """Boxes (n, 4) or (n, 6) as floats; an empty list is (0, 2 * axes), 2 axes if not given.

    Raises ValueError for other shapes, NaN, another number of axes than ``axes``, or a lower corner above the
    upper one.
    """
    array = np.asarray(boxes, dtype=np.float64)
    if array.size == 0:
        columns = array.shape[1] if array.ndim == 2 and array.shape[1] in (4, 6) else 2 * (axes or 2)
        return np.zeros((0, 2 * axes if axes else columns))
    if array.ndim != 2 or array.shape[1] not in (4, 6):
        raise ValueError(f"{name} has shape {array.shape}, expected (n, 4) in 2D or (n, 6) in 3D")
    if axes is not None and array.shape[1] != 2 * axes:
        raise ValueError(f"{name} has {array.shape[1]} columns, expected {2 * axes} as elsewhere")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite coordinates")
    low, high = np.hsplit(array, 2)
    wrong = np.flatnonzero((low > high).any(axis=1))
    if len(wrong):
        raise ValueError(
            f"box {wrong[0]} of {name} is {array[wrong[0]].tolist()}: its lower corner lies above its upper; "
            "expected corners (convert_boxes turns corner and size into corners)"
        )
    return array


def convert_boxes(boxes: ArrayLike, *, source: BoxFormat, target: BoxFormat = "corners") -> Floats:
    """Boxes in another format.

    ``corners`` (x1 y1 x2 y2), ``corner-size`` (x y w h, COCO), ``centre-size``, and ``pixel-corners``: first and
    last pixel, both inside the box, which is one pixel wider than the difference (Pascal VOC).
    """
    array = np.asarray(boxes, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] not in (4, 6):
        raise ValueError(f"boxes has shape {array.shape}, expected (n, 4) in 2D or (n, 6) in 3D")
    for name in (source, target):
        if name not in _FORMATS:
            raise ValueError(f"format is {name!r}, expected one of {', '.join(_FORMATS)}")
    first, second = np.hsplit(array, 2)
    low = first - second / 2 if source == "centre-size" else first
    high = second if source == "corners" else second + 1 if source == "pixel-corners" else low + second
    size = high - low if source.endswith("corners") else second
    if target.endswith("corners"):
        return np.hstack([low, high - 1 if target == "pixel-corners" else high])
    return np.hstack([low + size / 2 if target == "centre-size" else low, size])


def box_area(boxes: ArrayLike) -> Floats:
    """Area (volume in 3D) of each box (n,)."""
    low, high = np.hsplit(as_boxes(boxes), 2)
    area: Floats = (high - low).prod(axis=1)
    return area


def box_centres(boxes: ArrayLike) -> Floats:
    """Centre of each box, (n, 2) or (n, 3)."""
    low, high = np.hsplit(as_boxes(boxes), 2)
    return (low + high) / 2


def box_iou(a: ArrayLike, b: ArrayLike, *, crowd: Bools | None = None) -> Floats:
    """Intersection over union of each box of ``a`` (n, 4 or 6) with each of ``b`` (m, same), (n, m).

    Where ``crowd`` (m,) is set the intersection is divided by the area of ``a`` alone, as COCO does for regions
    that hold many objects. Boxes without area overlap nothing.
    """
    first = as_boxes(a, name="a")
    second = as_boxes(b, name="b", axes=first.shape[1] // 2 if len(first) else None)
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    (low_a, high_a), (low_b, high_b) = np.hsplit(first, 2), np.hsplit(second, 2)
    sides = np.minimum(high_a[:, None], high_b) - np.maximum(low_a[:, None], low_b)
    common = np.maximum(sides, 0).prod(axis=2)
    area = box_area(first)[:, None]
    union = area + box_area(second) - common
    if crowd is not None:
        union = np.where(crowd, area, union)
    overlap: Floats = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return overlap
