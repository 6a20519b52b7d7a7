"""What de-identifying one data set gives."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from overread.deidentify.identity import Identity
from overread.deidentify.undeclared import Look


@dataclass(frozen=True)
class Change:
    """What was done to an attribute, and how many times at any depth; private ones are summed by group."""

    tag: int
    keyword: str
    action: str
    count: int


@dataclass(frozen=True)
class Done:
    """One de-identified data set, with what the map and the report need to know."""

    dataset: Dataset
    changes: tuple[Change, ...]
    patient: str
    person: str
    name: str
    uids: dict[str, str]
    identity: Identity
    undeclared: Look | None = None
    """What was seen in an image of a kind that often has text burned in, and does not declare that it has none."""
