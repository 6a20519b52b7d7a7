"""COCO's segmentations (polygons and run lengths) as masks.

Lin et al., ECCV 2014; the formats as in the documentation of the COCO data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError


def shape_mask(segmentation: Any, columns: int, rows: int, where: str) -> NDArray[np.bool_]:
    """Which pixels ``(rows, columns)`` a segmentation covers: by a polygon, those whose centre lies in it.

    Raises
    ------
    InputError
        Neither polygons nor run lengths, none of them, or run lengths of another picture; ``where`` names it.
    """
    if isinstance(segmentation, list):
        if not segmentation:
            raise InputError(
                f"{where}: its segmentation is empty, as some programs export a box; draw its outline, or import the "
                "boxes without --task segmentation"
            )
        mask = np.zeros((rows, columns), bool)
        for polygon in segmentation:
            _fill(mask, polygon, where)
        return mask
    if not isinstance(segmentation, dict) or not {"counts", "size"} <= set(segmentation):
        raise InputError(
            f"{where}: segmentation is {type(segmentation).__name__}, expected polygons or run lengths"
        )
    if list(segmentation["size"]) != [rows, columns]:
        raise InputError(
            f"{where}: run lengths are of {segmentation['size']} pixels, the picture has {[rows, columns]} "
            "(rows, columns)"
        )
    counts = segmentation["counts"]
    runs = run_lengths(counts, where) if isinstance(counts, str) else [int(c) for c in counts]
    if min(runs, default=0) < 0 or sum(runs) != rows * columns:
        raise InputError(f"{where}: run lengths sum to {sum(runs)}, the picture has {rows * columns} pixels")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(columns, rows).T


def run_lengths(text: str, where: str) -> list[int]:
    """Run lengths from COCO's text: groups of 5 bits from the lowest on; from the third run on, differences.

    Raises
    ------
    InputError
        Characters that the code does not have, or a last group that is missing.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise InputError(f"{where}: run lengths hold {character!r}, which COCO's code has not")
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise InputError(f"{where}: run lengths end in the middle of a number; download the file again")
    return runs


def _fill(mask: NDArray[np.bool_], polygon: Sequence[float], where: str) -> None:
    from matplotlib.path import Path as Outline

    try:
        points = np.asarray(polygon, float).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: a polygon is no list of x, y, x, y ... ({error})") from error
    if len(points) < 3 or not np.isfinite(points).all():
        raise InputError(f"{where}: a polygon has {len(points)} points, expected at least 3 finite ones")
    rows, columns = mask.shape
    low = np.clip(np.floor(points.min(0)).astype(int), 0, (columns, rows))
    high = np.clip(np.ceil(points.max(0)).astype(int), 0, (columns, rows))
    if (low >= high).any():
        return
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]]
    inside = Outline(points).contains_points(np.column_stack([x.ravel(), y.ravel()]) + 0.5)
    mask[low[1] : high[1], low[0] : high[0]] |= inside.reshape(y.shape)
