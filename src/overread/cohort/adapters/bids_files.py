"""Names, tables and sidecars of BIDS.

Gorgolewski et al., Scientific Data 2016;3:160044, and the Brain Imaging Data Structure specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from overread.cohort.adapters.source import json_of, rows_by, rows_of
from overread.errors import InputError

NIFTI = (".nii.gz", ".nii")
# These say whose image it is and which try, not what it shows.
WHOSE = ("sub", "ses", "run")
MISSING = ("n/a", "")


@dataclass(frozen=True)
class Named:
    """A file by the parts of its name: ``sub-01_ses-a_acq-hi_T1w`` has four, and ``acq-hi_T1w`` is its kind."""

    path: Path
    entities: Mapping[str, str]
    suffix: str

    @property
    def session(self) -> tuple[str, str]:
        """Participant (``sub-01``) and session (empty where there is none)."""
        return f"sub-{self.entities['sub']}", self.entities.get("ses", "")

    @property
    def kind(self) -> str:
        """What the image shows: suffix and the entities that do not say whose it is."""
        return "_".join([f"{k}-{v}" for k, v in self.entities.items() if k not in WHOSE] + [self.suffix])


def named(path: Path) -> Named | None:
    """The parts of a file's name; None where it is not BIDS'."""
    stem = path.name.split(".")[0]
    *pairs, suffix = stem.split("_")
    entities = dict(p.split("-", 1) for p in pairs if "-" in p)
    return Named(path, entities, suffix) if pairs and len(entities) == len(pairs) else None


def images_in(folder: Path) -> Iterator[Named]:
    """The NIfTI files below a folder with names of BIDS, sorted.

    Raises
    ------
    InputError
        A link without content: git-annex keeps the content of files elsewhere until it is fetched.
    """
    for path in sorted(folder.rglob("sub-*")):
        if not path.name.endswith(NIFTI):
            continue
        if not path.exists():
            raise InputError(
                f"{path}: is a link whose content is not here; fetch it (datalad get, git annex get)"
            )
        found = named(path)
        if found is not None and "sub" in found.entities:
            yield found


def participants(root: Path) -> dict[str, dict[str, str]]:
    """Attributes by participant from participants.tsv, empty where there is none."""
    path = root / "participants.tsv"
    if not path.is_file():
        return {}
    rows = rows_by(path, "participant_id", delimiter="\t")
    return {row.pop("participant_id"): _facts(row) for row in rows.values()}


def session_facts(root: Path, subject: str, session: str) -> dict[str, str]:
    """Attributes of a session from sub-01_sessions.tsv, empty where there are none."""
    path = root / subject / f"{subject}_sessions.tsv"
    if not session or not path.is_file():
        return {}
    rows = rows_by(path, "session_id", delimiter="\t")
    row = rows.get(f"ses-{session}", {})
    row.pop("session_id", None)
    facts = _facts(row)
    return {k: v for k, v in facts.items() if v and k != "acq_time"}


def day_of(image: Named) -> date | None:
    """The day of an image from its scans.tsv; publishers shift it, by one interval for each participant."""
    subject, session = image.session
    whose = f"{subject}_ses-{session}" if session else subject
    path = image.path.parent.parent / f"{whose}_scans.tsv"
    if not path.is_file():
        return None
    name = f"{image.path.parent.name}/{image.path.name}"
    for row in rows_of(path, ("filename",), "\t"):
        stated = row.get("acq_time", "")
        if row["filename"] == name and stated not in MISSING:
            try:
                return date.fromisoformat(stated[:10])
            except ValueError as error:
                raise InputError(f"{path}: acq_time is {stated!r}, expected YYYY-MM-DDThh:mm:ss") from error
    return None


def sidecar(root: Path, image: Named) -> dict[str, str]:
    """Scanner, field strength and site from the JSON beside an image and above it; the nearest one wins."""
    merged: dict[str, Any] = {}
    folders = [image.path.parent, *image.path.parent.parents]
    for folder in reversed(folders[: folders.index(root) + 1]):
        for entities, suffix, content in _sidecars(folder):
            if suffix == image.suffix and entities.items() <= image.entities.items():
                merged |= content
    scanner = [str(merged.get(k, "")).strip() for k in ("Manufacturer", "ManufacturersModelName")]
    facts = {
        "scanner": " ".join(s for s in scanner if s),
        "field_strength": str(merged.get("MagneticFieldStrength", "")),
        "site": str(merged.get("InstitutionName", "")).strip(),
    }
    return {k: v for k, v in facts.items() if v}


def _sidecars(folder: Path) -> tuple[tuple[Mapping[str, str], str, Mapping[str, Any]], ...]:
    found = []
    for path in sorted(folder.glob("*.json")):
        # At the root a sidecar may be named by its suffix alone: T1w.json.
        parts = named(path) or Named(path, {}, path.stem)
        if path.is_file():
            found.append((parts.entities, parts.suffix, json_of(path)))
    return tuple(found)


def _facts(row: Mapping[str, str]) -> dict[str, str]:
    """A row as attributes: age and sex in our spelling, ``n/a`` as empty, no name that the table has for itself."""
    facts = {}
    for column, value in row.items():
        name = re.sub(r"\W+", "_", column).strip("_")
        name = name.lower() if name.lower() in ("age", "sex", "site", "scanner") else name
        if name in (
            "case",
            "patient",
            "split",
            "fold",
            "label",
            "mask",
            "boxes",
            "visit",
            "date",
            "days",
            "image",
        ):
            name = f"participant_{name}"
        if name.startswith(("image_", "label_")):
            name = f"participant_{name}"
        if name:
            facts[name] = "" if value in MISSING else value
    return facts
