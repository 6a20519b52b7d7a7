"""One SOP instance at hand: its data set, what it is called, and where its pixels were left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset


@dataclass(frozen=True)
class Place:
    """Where uncompressed pixel data lies in a file: ``length`` bytes from ``offset``."""

    path: Path
    offset: int
    length: int


@dataclass(frozen=True)
class Instance:
    """A data set and the name people know it by (file name, or SOP Instance UID when it has no file).

    Where the pixels were left in the file, ``place`` says where, and ``dataset`` has none.
    """

    name: str
    dataset: Dataset
    place: Place | None = None
