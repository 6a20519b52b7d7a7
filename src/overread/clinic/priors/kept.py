"""Priors of a run, in a folder of the run: nothing there is answered or delivered, and it goes when the run goes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from overread.files import write_json

FACTS, FOLDER = "priors.json", "priors"


@dataclass(frozen=True)
class Prior:
    """One earlier study. ``date`` as DA of DICOM; ``series``: UIDs of those that came."""

    study: str
    date: str
    description: str
    modalities: str
    series: tuple[str, ...]
    instances: int
    source: str


@dataclass(frozen=True)
class KeptPriors:
    """The priors of a run, the latest first, and sentences on what could not be had."""

    priors: tuple[Prior, ...] = ()
    notes: tuple[str, ...] = ()

    def files(self, folder: Path) -> list[list[Path]]:
        """Files of each prior of the run in ``folder``."""
        return [sorted((folder / FOLDER / p.study).glob("*.dcm")) for p in self.priors]


def write_priors(folder: Path, kept: KeptPriors) -> None:
    """Say what there is; the files are there already."""
    write_json(folder / FACTS, asdict(kept))


def read_priors(folder: Path) -> KeptPriors | None:
    """What a run has; None where nobody has looked yet."""
    try:
        content = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        priors = tuple(Prior(**{**p, "series": tuple(p["series"])}) for p in content["priors"])
        return KeptPriors(priors, tuple(content["notes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
