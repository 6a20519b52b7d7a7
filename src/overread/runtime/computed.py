"""What an answer was computed with: it stands beside every answer, for it decides the last digits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Computed:
    """What an answer was computed with: the ``engine`` and its ``version``, in which ``precision``, by how many
    ``threads`` (0: all cores), on which ``processor`` with which of the instruction ``flags`` that engines go by."""

    engine: str
    version: str
    precision: str
    threads: int
    processor: str
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        cores = f"{self.threads} threads" if self.threads else "all cores"
        flags = f" ({' '.join(self.flags)})" if self.flags else ""
        return f"{self.engine} {self.version}, {self.precision}, {cores}, {self.processor}{flags}"
