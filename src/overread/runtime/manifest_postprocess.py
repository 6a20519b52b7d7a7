"""package.json: what is done to the parts of a label after the network has decided, and which measures are taken."""

from __future__ import annotations

from typing import Any

from pydantic import Field, FiniteFloat

from overread.settings import Strict


class Cleaning(Strict):
    """Of one label: holes filled, then only the largest part kept, or none below a least size.

    ``smallest`` is in the unit of the measurement: ml of volumes, mm2 or pixels in the plane. Chosen on tuning cases
    only; ``figures``: what it gained there, intervals by name, apparent as it was chosen on the same cases.
    """

    fill_holes: bool = False
    largest: bool = False
    smallest: FiniteFloat = Field(default=0.0, ge=0)
    figures: dict[str, dict[str, Any]] = {}

    @property
    def does_nothing(self) -> bool:
        """No voxel can be changed by it."""
        return not (self.fill_holes or self.largest or self.smallest > 0)

    def __str__(self) -> str:
        steps = ["holes filled"] * self.fill_holes + ["only the largest part kept"] * self.largest
        if self.smallest > 0:
            steps.append(f"parts below {self.smallest:.3g} removed")
        return ", ".join(steps) or "left as it is"
