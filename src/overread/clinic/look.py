"""A look at the headers of a study: what it holds, which objects cannot be read, which routes' patterns fit.

Done in a child process: a header or a pattern that hangs or crashes costs no more than that process. What is being
read is marked on disk, so that the object that ends the process again and again is known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from overread.clinic.assemble import IDENTITY, VALUE_CHARACTERS
from overread.clinic.config import Route
from overread.errors import InputError
from overread.imaging.dicom.files import open_dataset
from overread.imaging.dicom.patients import PatientDiffersError, check_one_patient
from overread.imaging.dicom.values import text

COLUMNS = {
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "description": "StudyDescription",
    "modalities": "Modality",
    "study_date": "StudyDate",
    "accession": "AccessionNumber",
}
MARK_BYTES = 80


class Marks:
    """One small file with what is being read at this moment; it stays where the process ends over it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)

    def at(self, what: str) -> None:
        """This comes next."""
        os.pwrite(self._file, what.encode()[:MARK_BYTES].ljust(MARK_BYTES), 0)

    def clear(self) -> None:
        """All went well."""
        os.close(self._file)
        self._path.unlink(missing_ok=True)

    @staticmethod
    def left(path: Path) -> str:
        """What was being read when a process ended; empty where none did."""
        try:
            return path.read_bytes().decode("ascii", "replace").strip()
        except FileNotFoundError:
            return ""


def look(
    files: Sequence[Path], routes: Sequence[Route], skip: Set[str], *, marks: Marks | None = None
) -> dict[str, Any]:
    """What the headers of a study say, as JSON data.

    Parameters
    ----------
    skip
        Names of routes whose patterns are not tried: they ended this process before.

    Returns
    -------
    dict
        ``series`` (``uid``, ``sops``, ``modality``, ``description``, ``pixels``, ``label``), ``aside`` (``sop``,
        ``code``, ``text``), ``columns`` of the study table, ``virtual``, ``expected`` (0020,1208) or None, ``patient``
        (why the images are not of one patient, or empty), and for each route in ``fits`` whether its patterns are all
        found in one series with pixels.
    """
    heads: dict[str, tuple[Dataset, list[str]]] = {}
    people: list[Dataset] = []
    aside: list[dict[str, str]] = []
    tags = ["SeriesInstanceUID", "SOPClassUID", "Rows", *IDENTITY]
    for path in files:
        if marks is not None:
            marks.at(path.stem)
        try:
            part = open_dataset(path, path.name, stop_before_pixels=True, specific_tags=tags)
            uid = text(part, "SeriesInstanceUID")
            people.append(part)
            if uid not in heads:
                heads[uid] = (open_dataset(path, path.name, stop_before_pixels=True), [])
            heads[uid][1].append(path.stem)
        except InputError as error:
            aside.append({"sop": path.stem, "code": "UNREADABLE", "text": str(error)})
    patient = ""
    try:
        check_one_patient(people, "the study")
    except PatientDiffersError as error:
        patient = str(error)
    first = next(iter(heads.values()))[0] if heads else Dataset()
    answer: dict[str, Any] = {
        "series": [_series(uid, *head) for uid, head in sorted(heads.items())],
        "aside": aside,
        "columns": columns(first),
        "virtual": any(is_virtual(header) for header, _ in heads.values()),
        "expected": _number(first, "NumberOfStudyRelatedInstances"),
        "patient": patient,
        "fits": {},
    }
    with_pixels = [header for header, _ in heads.values() if "Rows" in header]
    for route in routes:
        if marks is not None:
            marks.at(f"route {route.name}")
        answer["fits"][route.name] = route.name not in skip and any(
            fits(header, route.compiled) for header in with_pixels
        )
    if marks is not None:
        marks.clear()
    return answer


def fits(header: Dataset, patterns: Mapping[str, re.Pattern[str]]) -> bool:
    """Whether each pattern is found in the value of its keyword, cut to its beginning; an absent value is empty."""
    return all(p.search(text(header, keyword)[:VALUE_CHARACTERS]) for keyword, p in patterns.items())


def columns(header: Dataset) -> dict[str, str]:
    """Columns of the study table from a header; empty for what is absent or cannot be read."""
    return {name: text(header, keyword) for name, keyword in COLUMNS.items()}


def is_virtual(header: Dataset) -> bool:
    """Whether the images are marked as those of a virtual patient."""
    identity, comments = text(header, "PatientID"), text(header, "PatientComments")
    return identity.upper().startswith("VIRTUAL") or "virtual patient" in comments.lower()


def _series(uid: str, header: Dataset, sops: list[str]) -> dict[str, Any]:
    modality, description = text(header, "Modality"), text(header, "SeriesDescription")
    words = " ".join(w for w in (modality, description) if w)
    return {
        "uid": uid,
        "sops": sops,
        "modality": modality,
        "description": description,
        "pixels": "Rows" in header,
        "label": f"{words} ({len(sops)} instances, series {uid})",
    }


def _number(header: Dataset, keyword: str) -> int | None:
    value = text(header, keyword)
    return int(value) if value.isdecimal() and int(value[:9]) > 0 else None
