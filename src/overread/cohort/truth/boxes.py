"""The truth of detection: labelled boxes, in the JSON file that the column ``boxes`` names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case, CaseError
from overread.cohort.finding import Finding, some
from overread.cohort.splits.parts import SPLITS
from overread.cohort.truth.protocol import Regions, Shown, TruthValue
from overread.errors import InputError
from overread.files import canonical_json, sha256_bytes
from overread.imaging.boxes import Boxes, boxes_to_mask, from_world
from overread.imaging.image import Image
from overread.parse import parse_json

COLUMN = "boxes"
UNSURE = False
CORNERS = {4: 2, 6: 3}


@dataclass(frozen=True)
class Box:
    """A labelled box as its file has it: ``(x0, y0, x1, y1)`` in pixels from the outer edge of the first one, or six
    numbers ``(x0, y0, z0, x1, y1, z1)`` in mm of the patient (RAS+). ``more`` holds the file's further keys."""

    label: str
    box: tuple[float, ...]
    score: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def stated(case: Case) -> bool:
    """Whether the row names a file of boxes, which may hold none."""
    return case.boxes is not None


def read(case: Case, image: Image, labels: Sequence[str]) -> TruthValue:
    """`Boxes` on the grid of ``image``, all that the file has; in an oblique volume they enclose those of the file.

    Raises InputError for a missing or faulty file, boxes of another number of axes, a label not in ``labels``.
    """
    found = _read(case, image)
    for n, box in enumerate(found, 1):
        if box.label not in labels:
            raise InputError(
                f"case {case.case}: {case.boxes}: box {n} has label {box.label!r}, expected one of "
                f"{', '.join(labels)}; correct the file or the protocol's labels"
            )
    return _on_grid(found, image, labels)


def look(case: Case, image: Image, labels: Sequence[str]) -> Shown:
    """Boxes by label, whatever ``labels`` names, the hash of labels and corners, and how many lie outside."""
    found = _read(case, image)
    counts = Counter(b.label for b in found)
    content = sorted([b.label, *b.box] for b in found)
    return Shown(counts, sha256_bytes(canonical_json(content).encode()), len(outside(found, image)))


def presence(case: Case, shown: Shown, labels: Sequence[str]) -> Mapping[str, bool | None]:
    """Whether any box bears each label; None where no file of boxes was read."""
    return {name: bool(shown.counts.get(name)) if shown.digest else None for name in labels}


def faults(cases: Sequence[tuple[Case, Shown]], labels: Sequence[str]) -> list[Finding]:
    """Blocking: unknown labels, a label that no box of train or of test has. A warning for boxes beyond their image.

    The number of boxes per split is a fact.
    """
    findings = []
    for case, shown in cases:
        odd = sorted(set(shown.counts) - set(labels))
        if odd:
            message = f"{case.case}: {case.boxes} has boxes of {some(odd)}, expected {', '.join(labels)}"
            findings.append(Finding("boxes.label_unknown", "blocking", message, (case.case,)))
    given = {case.split for case, _ in cases}
    for name in labels:
        splits = {case.split for case, shown in cases if shown.counts.get(name)}
        for split in [s for s in ("train", "test") if s in given - splits]:
            message = (
                f"empty class: label {name!r} has no box in {split}; "
                "drop the label, check the boxes or move patients"
            )
            findings.append(Finding("boxes.label_empty", "blocking", message))
    beyond = [(case, shown) for case, shown in cases if shown.outside]
    if beyond:
        names = tuple(case.case for case, _ in beyond)
        message = f"{sum(s.outside for _, s in beyond)} boxes reach beyond their image, in {some(names)}"
        findings.append(Finding("boxes.outside", "warning", message, names))
    return [*findings, *_counted(cases)]


def infer(cases: Sequence[Case]) -> list[str]:
    """The labels of all boxes, by name."""
    found = set()
    for case in cases:
        if case.boxes is not None:
            try:
                found |= {b.label for b in read_boxes(case.boxes)}
            except InputError as error:
                raise InputError(f"case {case.case}: {error}") from error
    return sorted(found)


def regions(truth: TruthValue, image: Image, labels: Sequence[str]) -> Regions:
    """What lies in any box; each label's share of voxels, and the geometric mean of each box's sides in mm."""
    assert isinstance(truth, Boxes)
    size = np.prod(truth.extent * np.array(image.spacing), axis=1) ** (1 / truth.axes)
    sizes, fractions = {}, {}
    for k, name in enumerate(labels):
        mine = truth.labels == k
        sizes[name] = size[mine].tolist()
        fractions[name] = float(boxes_to_mask(truth.where(mine), image.spatial).mean())
    return Regions(boxes_to_mask(truth, image.spatial), sizes, fractions)


def marks(case: Case, image: Image) -> NDArray[np.bool_] | None:
    """What lies in any box, whatever its label."""
    if case.boxes is None:
        return None
    found = _read(case, image)
    return boxes_to_mask(_on_grid(found, image, sorted({b.label for b in found})), image.spatial)


def read_boxes(path: Path) -> tuple[Box, ...]:
    """Read a boxes file (docs/cohort.md).

    Raises
    ------
    InputError
        No JSON list of objects, a box without label, without four or six finite numbers, without extent or with
        its corners the wrong way round, a score outside 0 to 1; the number of the box is named.
    """
    try:
        content = parse_json(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}), expected a JSON list of boxes"
        ) from error
    if not isinstance(content, list):
        raise InputError(f"{path}: holds {type(content).__name__}, expected a list of boxes, empty for none")
    return tuple(_box(f"{path}: box {n}", entry) for n, entry in enumerate(content, 1))


def outside(boxes: Sequence[Box], image: Image) -> list[int]:
    """Numbers, from 1, of the boxes that reach over a pixel beyond the image (a volume: its extent in mm).

    Raises InputError for boxes of another number of axes than the image.
    """
    _same_axes(boxes, image)
    axes = len(image.spatial)
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


def _read(case: Case, image: Image) -> tuple[Box, ...]:
    if case.boxes is None:
        raise CaseError(
            "boxes.missing", f"case {case.case}: has no boxes; fill the column 'boxes' of cohort.csv"
        )
    try:
        found = read_boxes(case.boxes)
        _same_axes(found, image, f"{case.boxes}: ")
    except InputError as error:
        raise InputError(f"case {case.case}: {error}") from error
    return found


def _same_axes(boxes: Sequence[Box], image: Image, where: str = "") -> None:
    axes = len(image.spatial)
    for n, box in enumerate(boxes, 1):
        if CORNERS[len(box.box)] != axes:
            raise InputError(
                f"{where}box {n} has {len(box.box)} numbers, expected {2 * axes} for a {axes}D image"
            )


def _on_grid(boxes: Sequence[Box], image: Image, labels: Sequence[str]) -> Boxes:
    axes = len(image.spatial)
    corners = np.array([b.box for b in boxes], dtype=np.float64).reshape(-1, 2 * axes)
    if axes == 2:
        # The file says x (column) first, an array's first axis is y (row).
        low, high = corners[:, [1, 0]], corners[:, [3, 2]]
    else:
        low, high = from_world(corners, image.affine)
    kinds = [list(labels).index(b.label) for b in boxes]
    return Boxes.of(low, high, kinds, [1.0 if b.score is None else b.score for b in boxes], axes=axes)


def _counted(cases: Sequence[tuple[Case, Shown]]) -> list[Finding]:
    """How many boxes of each label each split has."""
    looked_at = [(case, shown) for case, shown in cases if shown.digest]
    if not looked_at:
        return []
    parts = []
    for split in SPLITS:
        here = [shown for case, shown in looked_at if case.split == split]
        counts: Counter[str] = Counter()
        for shown in here:
            counts.update(shown.counts)
        listed = ", ".join(f"{label} {n}" for label, n in sorted(counts.items())) or "none"
        parts.append(f"{split}: {listed} in {len(here)} cases")
    return [Finding("boxes.count", "info", f"boxes: {'; '.join(parts)}")]


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
    if any(a >= b for a, b in zip(numbers[:half], numbers[half:], strict=True)):
        raise InputError(
            f"{where}: box is {numbers!r}, expected the corner with the smaller numbers first and some extent; "
            "correct it or take it out"
        )
    score = entry.get("score")
    if score is not None and not (isinstance(score, int | float) and 0 <= score <= 1):
        raise InputError(f"{where}: score is {score!r}, expected a number from 0 to 1")
    more = {k: v for k, v in entry.items() if k not in ("label", "box", "score")}
    return Box(entry["label"], tuple(map(float, numbers)), None if score is None else float(score), more)
