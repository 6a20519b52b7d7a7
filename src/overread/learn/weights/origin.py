"""What must be said of weights that were learnt elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

TIMM = "timm:"
"""Before the name of a model of timm."""


@dataclass(frozen=True)
class Origin:
    """What a report must say of weights that were learnt elsewhere.

    Attributes
    ----------
    name
        By which they were asked for.
    network
        The architecture of `overread.nets` that they were made for; None where only the file knows.
    learnt_on
        The images that they come from.
    source
        Package, model or file.
    licence
        As its maker states it; ``not stated`` where he does not.
    sha256
        Of the file.
    mean, std
        Of the grey values, on a scale from 0 to 1, that the network was trained with; all channels alike.
    """

    name: str
    network: str | None
    learnt_on: str
    source: str
    licence: str
    sha256: str
    mean: float
    std: float

    def record(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
