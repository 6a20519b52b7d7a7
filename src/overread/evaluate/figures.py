"""Figures as data: arrays and words. Who draws them decides how they look, by `match` on the kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.metric import Measured


@dataclass(frozen=True)
class ScoredTruth:
    """Whether cases have ``label`` ``(n,)`` bool, their score ``(n,)``, the area under the curve where there is one,
    and the threshold fixed beforehand. ``clusters`` names the patient of each case where patients have several."""

    label: str
    truth: NDArray[np.bool_]
    score: NDArray[np.float64]
    area: Measured | None = None
    threshold: float | None = None
    clusters: NDArray[Any] | None = None


@dataclass(frozen=True)
class RocFigure:
    """ROC curves, one per label."""

    curves: Sequence[ScoredTruth]


@dataclass(frozen=True)
class ReliabilityFigure:
    """Observed frequency against probability: ``outcome (n,)`` bool, ``probability (n,)``, what the latter is of."""

    outcome: NDArray[np.bool_]
    probability: NDArray[np.float64]
    subject: str
    clusters: NDArray[Any] | None = None


@dataclass(frozen=True)
class ConfusionFigure:
    """Indices of the true and the decided class, ``(n,)`` each."""

    truth: NDArray[np.int64]
    decided: NDArray[np.int64]
    labels: Sequence[str]


@dataclass(frozen=True)
class ScoresFigure:
    """Distribution of a score by true class, with the threshold."""

    truth: NDArray[np.int64]
    score: NDArray[np.float64]
    labels: Sequence[str]
    subject: str
    threshold: float | None = None


@dataclass(frozen=True)
class PerCaseFigure:
    """A value of every case for each label: ``values[label] (n,)`` beside ``cases (n,)``, and the means."""

    title: str
    axis: str
    cases: Sequence[str]
    values: dict[str, NDArray[np.float64]]
    means: dict[str, Measured]


@dataclass(frozen=True)
class FrocFigure:
    """Sensitivity against false positives per image, per label: the curve's points, the fixed operating point."""

    labels: Sequence[str]
    false_positives: Sequence[NDArray[np.float64]]
    sensitivity: Sequence[NDArray[np.float64]]
    points: Sequence[tuple[float, float] | None]


@dataclass(frozen=True)
class AgreementFigure:
    """Of a number called ``name``: ``true``, ``found`` and the limits of its intervals ``(n,)`` each (NaN without), and
    bias, lower and upper limit of agreement where they could be computed."""

    name: str
    unit: str
    true: NDArray[np.float64]
    found: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    agreement: Sequence[Measured | None]


@dataclass(frozen=True)
class RiskCoverageFigure:
    """Whether decisions are ``wrong (n,)`` and how ``sure (n,)`` they were, the area under the curve, and share decided
    and share wrong among these where the package leaves the rest to a person."""

    subject: str
    wrong: NDArray[np.bool_]
    sure: NDArray[np.float64]
    area: Measured | None = None
    point: tuple[float, float] | None = None


Figure: TypeAlias = (
    RocFigure
    | RiskCoverageFigure
    | ReliabilityFigure
    | ConfusionFigure
    | ScoresFigure
    | PerCaseFigure
    | FrocFigure
    | AgreementFigure
)
