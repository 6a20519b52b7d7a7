"""What is known of a model made elsewhere, before it becomes a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from overread.runtime.manifest import Channel, Preprocess, Quantity, Windows
from overread.runtime.regions import Region


@dataclass(frozen=True)
class Imported:
    """Networks as ONNX bytes, and how its origin feeds and reads them.

    ``together``: how several networks answer, as `overread.runtime.manifest_uncertainty.Ensemble.how`. ``origin`` is
    provenance for the model card: what it was, which files by hash, its licence. ``difference``: the largest absolute
    difference of the networks' outputs from those of the origin on ``inputs`` inputs drawn at random. ``notes``: what
    the package does otherwise than its origin, a sentence each.
    """

    name: str
    version: str
    task: str
    channels: Sequence[Channel]
    labels: Sequence[str]
    preprocess: Preprocess
    networks: Sequence[bytes]
    windows: Windows | None = None
    views: Sequence[str] = ()
    regions: Mapping[str, Region] = field(default_factory=dict)
    positive: str | None = None
    quantity: Quantity | None = None
    together: str = "average"
    origin: Mapping[str, Any] = field(default_factory=dict)
    difference: float | None = None
    inputs: int = 0
    notes: Sequence[str] = ()
