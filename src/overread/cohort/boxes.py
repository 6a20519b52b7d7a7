"""Boxes of a case, from the JSON file that its row names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from overread.errors import InputError
from overread.imaging.image import Image

CORNERS = {4: 2, 6: 3}


@dataclass(frozen=True)
class Box:
    """A labelled box: ``(x0, y0, x1, y1)`` in pixels from the outer edge of the first one, or six numbers
    ``(x0, y0, z0, x1, y1, z1)`` in mm of the patient (RAS+). ``more`` holds the file's further keys."""

    label: str
    box: tuple[float, ...]
    score: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def read_boxes(path: Path) -> tuple[Box, ...]:
    """Read a boxes file (docs/cohort.md).

    Raises
    ------
    InputError
        No JSON list of objects, a box without label, without four or six finite numbers or with its corners the
        wrong way round, a score outside 0 to 1; the number of the box is named.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: is no JSON file of boxes ({error}); write a list, empty for none"
        ) from error
    if not isinstance(content, list):
        raise InputError(f"{path}: holds {type(content).__name__}, expected a list of boxes, empty for none")
    return tuple(_box(f"{path}: box {n}", entry) for n, entry in enumerate(content, 1))


def outside(boxes: tuple[Box, ...], image: Image) -> list[int]:
    """Numbers, from 1, of the boxes that reach over a pixel beyond the image (a volume: its extent in mm).

    Raises InputError for boxes of another number of axes than the image.
    """
    axes = len(image.spatial)
    for n, box in enumerate(boxes, 1):
        if CORNERS[len(box.box)] != axes:
            raise InputError(f"box {n} has {len(box.box)} numbers, expected {2 * axes} for a {axes}D image")
    if axes == 2:
        low, high = np.zeros(2), np.array(image.spatial[::-1], dtype=np.float64)
        slack = 1.0
    else:
        edges = np.array([*product(*((-0.5, n - 0.5) for n in image.spatial))])
        points = edges @ image.affine[:3, :3].T + image.affine[:3, 3]
        low, high = points.min(axis=0), points.max(axis=0)
        slack = max(image.spacing)
    beyond = []
    for n, box in enumerate(boxes, 1):
        first, last = np.array(box.box[:axes]), np.array(box.box[axes:])
        if (first < low - slack).any() or (last > high + slack).any():
            beyond.append(n)
    return beyond


def _box(where: str, entry: Any) -> Box:
    if not isinstance(entry, dict) or not isinstance(entry.get("label"), str) or not entry["label"]:
        raise InputError(f"{where}: has no label; expected an object with label and box")
    numbers = entry.get("box")
    if (
        not isinstance(numbers, list)
        or len(numbers) not in CORNERS
        or not all(isinstance(v, int | float) and math.isfinite(v) for v in numbers)
    ):
        raise InputError(f"{where}: box is {numbers!r}, expected four numbers (2D) or six (3D)")
    half = len(numbers) // 2
    if any(a > b for a, b in zip(numbers[:half], numbers[half:], strict=True)):
        raise InputError(f"{where}: box is {numbers!r}, expected the corner with the smaller numbers first")
    score = entry.get("score")
    if score is not None and not (isinstance(score, int | float) and 0 <= score <= 1):
        raise InputError(f"{where}: score is {score!r}, expected a number from 0 to 1")
    more = {k: v for k, v in entry.items() if k not in ("label", "box", "score")}
    return Box(entry["label"], tuple(map(float, numbers)), None if score is None else float(score), more)
