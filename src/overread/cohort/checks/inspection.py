"""Inspection: what one look at a case's files tells, small enough to be kept for every case."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.boxes import outside, read_boxes
from overread.cohort.checks.measure import Measured, measure
from overread.cohort.cohort import Case
from overread.cohort.masks import on_grid, read_labels
from overread.errors import InputError
from overread.imaging.grid.geometry import stack
from overread.imaging.image import Image
from overread.imaging.read import read

FACTS = ("PatientID", "StudyInstanceUID", "Manufacturer", "ManufacturerModelName", "BurnedInAnnotation")


@dataclass(frozen=True)
class Inspection:
    """One case as seen. ``problem`` is ``(code, message)`` of what cannot be read or does not fit.

    ``pixels`` and ``mask`` are SHA-256 of the decoded values; ``values`` counts the voxels per mask value;
    ``constant`` names the channels without any contrast. ``facts`` are what the file says of its origin, by DICOM
    keyword; ``measured`` is what the pixels say. ``boxes`` counts boxes per label, None without a file of them;
    ``beyond`` of them reach out of the image.
    """

    case: Case
    problem: tuple[str, str] | None = None
    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] = ()
    modality: str = ""
    channels: int = 0
    constant: tuple[str, ...] = ()
    pixels: str = ""
    mask: str = ""
    values: Mapping[int, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    measured: Measured = field(default_factory=Measured)
    boxes: Mapping[str, int] | None = None
    beyond: int = 0


def inspect_case(case: Case, *, masks: bool) -> Inspection:
    """Read a case's files; with ``masks`` its label map, too. Nothing is raised for bad files."""
    try:
        parts = [read(path) for path in case.images.values()]
    except InputError as error:
        return Inspection(case, ("image.unreadable", f"{case.case}: {error}"))
    try:
        image = parts[0] if len(parts) == 1 else stack(parts, list(case.images))
    except InputError as error:
        return Inspection(case, ("channels.grid", f"{case.case}: {error}"))
    mask = None
    if masks and case.mask is not None:
        try:
            labels = read_labels(case.mask)
        except InputError as error:
            return Inspection(case, ("mask.unreadable", f"{case.case}: {error}"))
        try:
            mask = on_grid(case, image, *labels)
        except InputError as error:
            return Inspection(case, ("mask.grid", str(error)))
    boxes, beyond = None, 0
    if case.boxes is not None:
        try:
            found_boxes = read_boxes(case.boxes)
            beyond = len(outside(found_boxes, image))
        except InputError as error:
            return Inspection(case, ("boxes.unreadable", f"{case.case}: {error}"))
        boxes = Counter(b.label for b in found_boxes)
    values = dict[int, int]()
    if mask is not None:
        found, counts = np.unique(mask, return_counts=True)
        values = dict(zip(found.tolist(), counts.tolist(), strict=True))
    return Inspection(
        case,
        None,
        image.spatial,
        image.spacing,
        image.modality,
        len(image.array),
        _constant(image),
        _hash(image.array),
        "" if mask is None else _hash(mask),
        values,
        image.notes,
        {k: str(image.source[k]) for k in FACTS if image.source.get(k)},
        measure(image),
        boxes,
        beyond,
    )


def _constant(image: Image) -> tuple[str, ...]:
    pairs = zip(image.channels, image.array, strict=True)
    return tuple(name for name, channel in pairs if channel.min() == channel.max())


def _hash(array: NDArray[Any]) -> str:
    """SHA-256 of shape, type and values."""
    digest = hashlib.sha256(f"{array.shape}{array.dtype.str}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
