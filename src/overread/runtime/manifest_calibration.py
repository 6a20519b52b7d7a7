"""package.json: what the tuning cases decided."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from pydantic import Field, FiniteFloat, model_validator

from overread.settings import Strict


class OperatingPoint(Strict):
    """Threshold on a label's score, fixed on tuning cases by ``rule``; belongs to this version only.

    ``figures``: what it gave on those very cases, intervals by name: ``apparent_sensitivity`` ..., apparent
    because the threshold was chosen on the same cases.
    """

    rule: str
    threshold: FiniteFloat
    figures: dict[str, dict[str, Any]] = {}


class Scale(Strict):
    """Calibrated log odds of a label: ``slope * logit + intercept`` (Platt 1999)."""

    slope: FiniteFloat
    intercept: FiniteFloat


class Curve(Strict):
    """Calibrated log odds by straight lines between ``odds``, from the lowest on, as steep beyond."""

    odds: list[FiniteFloat] = Field(min_length=2)
    calibrated: list[FiniteFloat] = Field(min_length=2)

    @model_validator(mode="after")
    def _rising(self) -> Curve:
        pairs = (self.odds, self.calibrated)
        if len(self.odds) != len(self.calibrated) or any(
            a >= b for values in pairs for a, b in pairwise(values)
        ):
            raise ValueError("odds, calibrated: expected as many of each, all rising")
        return self


class Spread(Strict):
    """Range of an error over tuning cases, between two order statistics.

    ``coverage`` is what these two really cover in a further case like them, (upper rank - lower rank) / (n + 1):
    with few cases less than was aimed at. It holds where the found volume or count lies from ``found_from`` to below
    ``found_to`` (None: without end): small ones are off by other shares than large ones.
    """

    low: float
    high: float
    coverage: float
    cases: int
    offset: float = 0.0
    found_from: float = 0.0
    found_to: float | None = None


class ScoreBin(Strict):
    """Tuning cases that gave a class a score from ``low`` to ``high``: 90% limits of how often it was the true one."""

    low: float
    high: float
    observed_low: float
    observed_high: float
    cases: int


class Calibration(Strict):
    """Fixed on tuning cases: what makes scores probabilities, conformal quantile, error of volumes and counts.

    ``temperature``: of the classes' softmax. ``vector``: slope and intercept of each class's logit, after it.
    ``scales``: per finding or object label, on its logit; ``curves``: per finding, in place of its scale, or of the
    positive one of two classes, on their log odds and in place of the temperature.
    ``bins``: per label, what its scores meant.
    ``conformal_quantile``: LAC threshold on ``1 - probability`` for coverage ``conformal_coverage`` over all classes
    together, of packages in format 1; ``conformal_quantiles``: one per class, so that each class is covered by itself
    (Vovk 2012, doi 10.1007/s10994-013-5355-6); a class without one is in every set.
    ``volume_ratio``: per label, (true + offset) / (found + offset), the offset in the unit of the measurement; it
    lets cases count in which nothing was found or nothing was there.
    ``count_difference``: per label, true - found count. Both are of earlier packages: ``volume_ratios`` and
    ``count_differences`` say the same by what was found, and where none of their parts holds that, there is no
    interval.
    ``measures``: per label and measure, (true + offset) / (found + offset), of places true - found, by the volume that
    was found.
    ``value_residuals``: per label whose number is answered, (true - found) / spread.
    ``reasons``: per label, why the tuning cases give its answers no interval.
    """

    temperature: FiniteFloat = Field(default=1.0, gt=0)
    vector: list[Scale] = []
    scales: dict[str, Scale] = {}
    curves: dict[str, Curve] = {}
    bins: dict[str, list[ScoreBin]] = {}
    conformal_coverage: float | None = None
    conformal_quantile: float | None = None
    conformal_quantiles: dict[str, float] = {}
    volume_ratio: dict[str, Spread] = {}
    count_difference: dict[str, Spread] = {}
    volume_ratios: dict[str, list[Spread]] = {}
    count_differences: dict[str, list[Spread]] = {}
    measures: dict[str, dict[str, list[Spread]]] = {}
    value_residuals: dict[str, Spread] = {}
    reasons: dict[str, str] = {}
    cases: int = 0
