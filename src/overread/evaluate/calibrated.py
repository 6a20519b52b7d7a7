"""What the tuning cases decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from overread.runtime.manifest import Calibration, Cleaning, OperatingPoint, Uncertainty


@dataclass(frozen=True)
class Calibrated:
    """What the tuning cases decided. ``reference`` goes into the manifest for the watch to compare with; of
    ``uncertainty`` a task's own calibration states no more than ``quality``.

    ``masks``: of a label map, by tuning case the Dice that was expected of each mask and the one it has.
    """

    calibration: Calibration
    operating_points: Mapping[str, OperatingPoint] = field(default_factory=dict)
    reference: Mapping[str, Any] = field(default_factory=dict)
    uncertainty: Uncertainty = field(default_factory=Uncertainty)
    postprocess: Mapping[str, Cleaning] = field(default_factory=dict)
    masks: Sequence[Mapping[str, tuple[float, float]]] = ()

    def updates(self) -> dict[str, Any]:
        """Fields of a manifest that turn a network's outputs into an answer, as decided."""
        return {
            "calibration": self.calibration,
            "operating_points": dict(self.operating_points),
            "postprocess": dict(self.postprocess),
        }
