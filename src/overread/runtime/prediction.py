"""Prediction: what came out, how sure, and why nothing came out when nothing did."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Outcome(StrEnum):
    """Whether the package answered. Never a score where the input lies outside its declared limits."""

    OK = "ok"
    OUT_OF_LIMITS = "out_of_limits"


@dataclass(frozen=True)
class Breach:
    """One declared input limit that the image breaks.

    ``code`` is short and stable (``MODALITY``, ``SIZE``, ``AGE`` ...), the rest is for people.
    """

    code: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.code}: found {self.found}, expected {self.expected}"


@dataclass(frozen=True)
class Measurement:
    """A measured quantity of one label, its prediction interval with its coverage, and unit (UCUM)."""

    label: str
    name: str
    value: float
    low: float | None
    high: float | None
    unit: str
    confidence: float = 0.9

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else " " + self.unit.strip("{}")
        text = f"{self.label} {self.name} {self.value:.3g}{unit}"
        if self.low is not None and self.high is not None:
            text += f" ({self.confidence:.0%} interval {self.low:.3g} to {self.high:.3g}{unit})"
        return text


@dataclass(frozen=True)
class Prediction:
    """The answer of a package to one image.

    Attributes
    ----------
    outcome
        ``ok``, or ``out_of_limits`` with ``breaches``; then every other field is empty.
    scores
        Classification: calibrated probability of each class.
    score_intervals
        Classification: 90% limits of how often cases with such a score had that class among the tuning cases.
        Where scores are badly calibrated they need not hold the score.
    label
        Classification: the class decided by the package's operating point.
    label_set
        Classification: the conformal set, which holds the true class in ``set_coverage`` of cases like
        those of the calibration set.
    mask
        Segmentation: ``(*spatial)`` uint8 label map on the grid of the image as given.
    measurements
        Segmentation: volume (or area) and count of each label.
    uncertainty
        Named scalars, e.g. ``entropy`` (0 to 1) of the classification or of the decision inside the mask.
    quality
        Facts about the input that were checked against the limits.
    notes
        What was corrected or assumed on the way, from the reader on.
    """

    outcome: Outcome
    task: str
    package: str
    package_version: str
    package_sha256: str
    breaches: tuple[Breach, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    score_intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    label: str | None = None
    label_set: tuple[str, ...] = ()
    set_coverage: float | None = None
    mask: NDArray[np.uint8] | None = None
    measurements: tuple[Measurement, ...] = ()
    uncertainty: dict[str, float] = field(default_factory=dict)
    quality: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def summary(self) -> str:
        """One line for a person."""
        if self.outcome is Outcome.OUT_OF_LIMITS:
            return "not analysed, input outside the package's limits: " + "; ".join(map(str, self.breaches))
        if self.scores:
            best = self.label or max(self.scores, key=lambda k: self.scores[k])
            text = f"{best}, probability {self.scores[best]:.2f}"
            if best in self.score_intervals:
                low, high = self.score_intervals[best]
                text += f" (90% interval {low:.2f} to {high:.2f})"
            return text
        return "; ".join(map(str, self.measurements)) or "nothing found"
