"""Inspection: what one look at a case's files tells, small enough to be kept for every case."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from overread.cohort.case import Case, CaseError
from overread.cohort.checks.guard import CODE, reason
from overread.cohort.checks.measure import Measured, measure
from overread.cohort.truth import TRUTHS
from overread.cohort.truth.protocol import Shown
from overread.errors import InputError
from overread.imaging.grid.geometry import reorient, stack
from overread.imaging.image import Image
from overread.imaging.read import read

FACTS = ("PatientID", "StudyInstanceUID", "Manufacturer", "ManufacturerModelName", "BurnedInAnnotation")


@dataclass(frozen=True)
class Inspection:
    """One case as seen. ``problem`` is ``(code, message)`` of what cannot be read or does not fit.

    ``pixels`` is the `content_hash`; ``notes`` are those of the readers of image and truth; ``shown`` is what the truth
    says; ``constant`` names the channels without any contrast. ``facts`` are what the file says of its origin, by DICOM
    keyword; ``measured`` is what the pixels say.
    """

    case: Case
    problem: tuple[str, str] | None = None
    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] = ()
    modality: str = ""
    channels: int = 0
    constant: tuple[str, ...] = ()
    pixels: str = ""
    shown: Shown = field(default_factory=Shown)
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    measured: Measured = field(default_factory=Measured)


def inspect_case(case: Case, *, truth: str, labels: Sequence[str]) -> Inspection:
    """Read a case's images and its truth, a key of `TRUTHS`. Nothing is raised for bad files.

    What went wrong with the truth leaves the image's part of the inspection as it is.
    """
    try:
        image = _image(case)
    except CaseError as error:
        return Inspection(case, (error.code, str(error)))
    try:
        seen = _seen(case, image)
    except Exception as error:
        where = ", ".join(map(str, case.images.values()))
        return Inspection(case, (CODE, f"{case.case}: not checked: {where} ({reason(error)})"))
    if case.sealed:
        return seen
    try:
        shown = TRUTHS[truth].look(case, image, labels)
        return replace(seen, shown=shown, notes=(*seen.notes, *shown.notes))
    except CaseError as error:
        return replace(seen, problem=(error.code, str(error)))
    except InputError as error:
        return replace(seen, problem=(f"{truth}.unreadable", str(error)))
    except Exception as error:
        return replace(seen, problem=(f"{truth}.unreadable", f"case {case.case}: {truth}: {reason(error)}"))


def contradict(a: Inspection, b: Inspection, *, drawn: bool) -> bool:
    """Whether the truths of two looks at one picture differ in what both state.

    With ``drawn``, numbers, masks and boxes are compared, too, which is for pictures that lie alike.
    """
    one, other = a.case, b.case
    if one.label and other.label and one.label != other.label:
        return True
    if any({v, other.findings.get(k)} == {0, 1} for k, v in one.findings.items()):
        return True
    # Of a near-duplicate (the same patient a year later) another number is no contradiction.
    if drawn and any(other.values.get(k, v) != v for k, v in one.values.items()):
        return True
    return drawn and bool(a.shown.digest and b.shown.digest) and a.shown.digest != b.shown.digest


def _image(case: Case) -> Image:
    """The case's channels on one grid. Raises CaseError with the finding's code."""
    parts = [_read(case, path) for path in case.images.values()]
    try:
        return parts[0] if len(parts) == 1 else stack(parts, list(case.images))
    except InputError as error:
        raise CaseError("channels.grid", f"{case.case}: {error}") from error


def _read(case: Case, path: Path) -> Image:
    try:
        return read(path)
    except InputError as error:
        # Readers give a code to what must not pass for a damaged file: images of two patients.
        raise CaseError(getattr(error, "code", "image.unreadable"), f"{case.case}: {error}") from error
    except Exception as error:
        # A file that no reader foresaw will not train, either.
        raise CaseError("image.unreadable", f"{case.case}: {path}: {reason(error)}") from error


def _seen(case: Case, image: Image) -> Inspection:
    return Inspection(
        case,
        None,
        image.spatial,
        image.spacing,
        image.modality,
        len(image.array),
        _constant(image),
        content_hash(image),
        Shown(),
        image.notes,
        {k: str(image.source[k]) for k in FACTS if image.source.get(k)},
        measure(image),
    )


def _constant(image: Image) -> tuple[str, ...]:
    pairs = zip(image.channels, image.array, strict=True)
    return tuple(name for name, channel in pairs if channel.min() == channel.max())


def content_hash(image: Image) -> str:
    """SHA-256 of shape, type and values; of a volume in the order of axes that runs to right, front and head, so that
    the same volume stored in another order has the same."""
    shown = reorient(image) if len(image.spatial) == 3 else image
    digest = hashlib.sha256(f"{shown.array.shape}{shown.array.dtype.str}".encode())
    digest.update(np.ascontiguousarray(shown.array).data)
    return digest.hexdigest()
