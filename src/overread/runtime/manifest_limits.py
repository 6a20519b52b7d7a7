"""package.json: what a model was made for, beyond which it gives no answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, FiniteFloat, model_validator

from overread.settings import Strict


class GreyLimits(Strict):
    """Percentiles of one channel's network input, and the range of each that is answered.

    ``low`` and ``high`` are those of the training and tuning cases, widened as `overread.runtime.reference` says. No
    percentiles where the channel's scale is each image's own.
    """

    percentiles: list[float]
    low: list[FiniteFloat]
    high: list[FiniteFloat]

    @model_validator(mode="after")
    def _alike(self) -> GreyLimits:
        if not len(self.percentiles) == len(self.low) == len(self.high):
            raise ValueError(
                f"found {len(self.percentiles)} percentiles, {len(self.low)} lower and {len(self.high)} upper ends; "
                "expected as many of each"
            )
        return self


class Likeness(Strict):
    """How far an image may look from the training images, by a descriptor of its looks (`overread.runtime.looks`).

    ``references`` are descriptors of training cases after ``(x - centre) @ axes``; the distance is that to the
    nearest ones. ``most``: the largest that is answered, chosen on ``cases`` training and tuning cases.
    """

    descriptor: Literal["looks-1"]
    centre: list[FiniteFloat]
    axes: list[list[FiniteFloat]]
    references: list[list[FiniteFloat]] = Field(min_length=1)
    most: FiniteFloat
    cases: int

    @model_validator(mode="after")
    def _alike(self) -> Likeness:
        lengths = {len(self.centre), len(self.axes), *map(len, self.axes), *map(len, self.references)}
        if len(lengths) != 1:
            raise ValueError(f"found vectors of {sorted(lengths)} numbers, expected one length")
        return self


class Limits(Strict):
    """What the package was made for. An image outside is answered with a coded reason, not with a score.

    ``size``: smallest and largest voxel count per axis; ``spacing_mm``: likewise for the distance of voxels; ``slack``:
    by which factor both were widened beyond the training and tuning cases;
    ``age_years``: of the patient, where the image carries it;
    ``color``: smallest and largest share of coloured pixels; ``grey_values``: by channel of the network;
    ``likeness``: how much an image must look like those that were trained with;
    ``unstated``: whether an image that does not state a limited property is answered with a note, or refused.
    """

    modality: list[str] = []
    body_part: list[str] = []
    age_years: tuple[float, float] | None = None
    size: list[tuple[int, int]] | None = None
    spacing_mm: list[tuple[float, float]] | None = None
    slack: float | None = None
    color: tuple[float, float] | None = None
    grey_values: list[GreyLimits] = []
    likeness: Likeness | None = None
    unstated: Literal["note", "refuse"] = "note"
