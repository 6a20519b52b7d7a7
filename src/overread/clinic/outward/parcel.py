"""What is to be sent to one destination, and what the destination said of each part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from overread.clinic.run_folder import RunFacts
from overread.clinic.tables import Priority
from overread.imaging.dicom.values import text

MESSAGE = "message"
"""Name of the one part of a parcel that is no file."""


@dataclass(frozen=True)
class Said:
    """What a destination said of one part.

    ``taken``: it has it, by the rule of its destination. ``stored``: it has answered that it has, and is still to
    confirm that. ``refused``: it will not have it, as far as it says; otherwise it is tried again for ever.
    """

    taken: bool = False
    stored: bool = False
    refused: bool = False
    text: str = ""


TAKEN = Said(taken=True)


@dataclass(frozen=True)
class Parcel:
    """The results of a run for one destination. ``stored``: names of parts that wait for a confirmation only."""

    facts: RunFacts
    objects: Sequence[Path]
    calling: str
    timeout: float
    serial_number: str
    prediction: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    priority: Priority = Priority.NORMAL
    urgent_reason: str = ""
    stored: frozenset[str] = frozenset()
    hashes: Mapping[str, str] = field(default_factory=dict)
    commitments: Path | None = None

    @cached_property
    def header(self) -> Dataset:
        """Patient and study as the result objects have them."""
        return dcmread(self.objects[0], stop_before_pixels=True) if self.objects else Dataset()

    def value(self, keyword: str) -> str:
        """One of their values as text, empty where it is absent."""
        return text(self.header, keyword)

    @property
    def urgent(self) -> bool:
        """Whether somebody should look soon."""
        return self.priority is Priority.URGENT

    @property
    def headline(self) -> str:
        """The answer in a few words, or why there is none."""
        return str(self.prediction.get("headline") or "") or (
            f"Not analysed: {self.error}" if self.error else ""
        )

    @property
    def lines(self) -> list[str]:
        """The answer's numbers, one a line, with unit and interval."""
        found = self.prediction.get("lines") or []
        parts = ((str(x["name"]), str(x["value"]), str(x.get("interval") or "")) for x in found)
        return [
            f"{name}: {value}" + (f" ({interval})" if interval else "") for name, value, interval in parts
        ]

    @property
    def without_identity(self) -> dict[str, Any]:
        """What a message may say that leaves the hospital's clinical systems: UIDs and the answer, no name, no ID."""
        return {
            "event": "result.urgent" if self.urgent else "result",
            "run": self.facts.key,
            "study": self.facts.study_uid,
            "package": self.facts.package_name,
            "version": self.facts.package_version,
            "priority": self.priority.value,
            "answered": bool(self.prediction),
            "headline": str(self.prediction.get("headline") or ""),
            "objects": dict(self.hashes),
            "notice": "Not for diagnosis. Preliminary result of a computer program.",
        }
