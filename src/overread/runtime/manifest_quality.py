"""package.json: what the quality of a single label map is predicted from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, FiniteFloat

from overread.settings import Strict


class Quality(Strict):
    """Of one label: expected Dice ``intercept + slope * agreement`` of the ``source``, see `overread.runtime.quality`.

    A further case's Dice lies between the value plus ``low`` and plus ``high`` times the spread there with probability
    ``coverage``: limits of the errors on tuning cases left out of the line, order statistics of ``patients``.
    ``figures``: how far it was off on tuning cases left out, intervals by name.
    """

    source: Literal["networks", "views", "probabilities"]
    intercept: FiniteFloat
    slope: FiniteFloat = Field(ge=0)
    low: FiniteFloat
    high: FiniteFloat
    coverage: float = Field(ge=0, le=1)
    patients: int = Field(ge=1)
    figures: dict[str, dict[str, Any]] = {}
