"""What a package answers: one of five kinds, each on the grid of the image as it was given.

Clinic, pages and reports follow the kind of answer (`match` with `assert_never`), never the name of a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.imaging.boxes import Boxes


@dataclass(frozen=True)
class Measurement:
    """A measured quantity of one label, its prediction interval with its coverage, and unit (UCUM).

    ``reason``: why there is no interval, where the tuning cases could not give one.
    """

    label: str
    name: str
    value: float
    low: float | None
    high: float | None
    unit: str
    confidence: float = 0.9
    reason: str = ""

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else " " + self.unit.strip("{}")
        text = f"{self.label} {self.name} {self.value:.3g}{unit}"
        if self.low is not None and self.high is not None:
            text += f" ({self.confidence:.0%} interval {self.low:.3g} to {self.high:.3g}{unit})"
        return text


@dataclass(frozen=True)
class Classes:
    """One class of several.

    Attributes
    ----------
    scores
        Calibrated probability of each class; they sum to 1.
    intervals
        90% limits of how often cases with such a score had that class among the tuning cases. Where scores are badly
        calibrated they need not hold the score.
    reasons
        Per class why the tuning cases could give no such limits.
    decided
        The class decided by the package's operating point, else the likeliest.
    label_set, set_coverage
        The conformal set, which holds the true class in ``set_coverage`` of cases like those of the calibration set.
    entropy
        Of the scores, relative to its largest possible value: 0 sure, 1 no idea.
    log_odds
        ``log(p / (1 - p))`` of each class, computed without p: ranks cases whose scores round to 0 or 1.
    at_least, at_least_odds
        Of ordered grades, lowest first, the probability of each grade or a higher one, and its log odds: neither ever
        rises with the grade. Empty for classes without an order.
    positive, threshold
        Of ordered grades, the lowest that counts as positive, and the probability of it or a higher one from which a
        case is called so; ``""`` and None where none is fixed.
    mutual_information
        How far several networks, or draws of one, disagree: 0 not at all, 1 as far as they can; None where one answers.
    views_information
        How far answers in several views of the image disagree, likewise; None where it is seen in one.
    vacuity
        Of evidential networks, the share of the belief that no evidence supports; None of others.
    refer
        Why a person must decide; empty where the package may.
    """

    scores: Mapping[str, float]
    decided: str
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    label_set: tuple[str, ...] = ()
    set_coverage: float | None = None
    entropy: float = 0.0
    log_odds: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_least_odds: Mapping[str, float] = field(default_factory=dict)
    positive: str = ""
    threshold: float | None = None
    mutual_information: float | None = None
    views_information: float | None = None
    vacuity: float | None = None
    refer: str = ""

    @property
    def called(self) -> bool | None:
        """Whether the grade ``positive`` or a higher one is called; None where no threshold is fixed."""
        return None if self.threshold is None else self.at_least[self.positive] >= self.threshold


@dataclass(frozen=True)
class Findings:
    """Several findings side by side, each present or not whatever the others are.

    Attributes
    ----------
    scores
        Calibrated probability of each finding.
    thresholds
        Operating point of each finding, fixed on the tuning cases; a finding without one is never decided.
    present
        The findings whose score reaches their threshold, in the package's order.
    intervals, reasons, log_odds, mutual_information, views_information
        As in `Classes`, per finding.
    refer, referred
        Why a person must decide about some of the findings, and which; empty where the package may.
    """

    scores: Mapping[str, float]
    thresholds: Mapping[str, float]
    present: tuple[str, ...]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    log_odds: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    mutual_information: Mapping[str, float] = field(default_factory=dict)
    views_information: Mapping[str, float] = field(default_factory=dict)
    refer: str = ""
    referred: tuple[str, ...] = ()


@dataclass(frozen=True)
class Value:
    """A number, such as an age.

    Attributes
    ----------
    name, value, unit
        What it is of, how large, and its unit (UCUM).
    low, high, coverage
        Prediction interval, which holds the true number in ``coverage`` of cases like those of the tuning set; None
        where these could not give one. It need not hold the value itself, and never leaves the declared bounds.
    reason
        Why there is no interval.
    spread
        How far off the network expects to be (standard deviation), before the tuning cases are asked.
    """

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    reason: str = ""
    spread: float = 0.0

    @property
    def measurement(self) -> Measurement:
        """The same as a measured quantity without a further name."""
        confidence = 0.9 if self.coverage is None else self.coverage
        return Measurement(
            self.name,
            "",
            self.value,
            self.low,
            self.high,
            self.unit,
            confidence=confidence,
            reason=self.reason,
        )


@dataclass(frozen=True)
class PredictedDice:
    """The Dice that a label's mask is expected to have, its prediction interval with its coverage, and whether it comes
    from the agreement of ``networks``, ``views`` or ``probabilities``."""

    value: float
    low: float
    high: float
    coverage: float
    source: str


@dataclass(frozen=True)
class LabelMap:
    """A label for every voxel.

    Attributes
    ----------
    mask
        ``(*spatial)`` uint8 on the grid of the image as given.
    measurements
        Volume (or area) of each label, number of parts of counted ones, and what else the package measures.
    entropy_in_mask
        Mean entropy (0 to 1) of the decision inside the mask, on the network's grid.
    quality
        By label that was found, how good its mask is expected to be; empty where the tuning cases could not tell.
    refer, referred
        Why a person must look at some of the labels, and which; empty where the package may stand by all.
    """

    mask: NDArray[np.uint8]
    measurements: tuple[Measurement, ...] = ()
    entropy_in_mask: float = 0.0
    quality: Mapping[str, PredictedDice] = field(default_factory=dict)
    refer: str = ""
    referred: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objects:
    """Boxes around what was found.

    Attributes
    ----------
    boxes
        On the grid of the image as given, best score first; only those that reach their label's threshold. A label
        without a threshold has all its candidates there.
    labels
        Names by the boxes' label index.
    thresholds
        Operating point of each label, fixed on the tuning cases.
    world
        ``(n, 6)`` mm (RAS+) of each box of a volume, as ``x0, y0, z0, x1, y1, z1``; ``(0, 6)`` for a 2D image.
    measurements
        Number of objects of each label.
    candidates
        ``boxes`` and all below the thresholds, down to the package's smallest score: what FROC curves and average
        precision are drawn from. Nothing of it is to be shown as found.
    """

    boxes: Boxes
    labels: tuple[str, ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    world: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 6)))
    measurements: tuple[Measurement, ...] = ()
    candidates: Boxes | None = None


Answer: TypeAlias = Classes | Findings | Value | LabelMap | Objects
