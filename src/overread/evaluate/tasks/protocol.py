"""What every task can do with the truth; the modules beside this one fulfil it as they are (PEP 544)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.figures import Figure
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.rows import Row
from overread.imaging.image import Image
from overread.runtime.answer import Answer
from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared


@dataclass(frozen=True)
class Telling:
    """A case worth looking at: a group's title, the case, and a caption."""

    title: str
    case: str
    caption: str


class EvaluateTask(Protocol):
    """One task held against the truth: what tuning decides, what the test shows."""

    METRICS: tuple[Metric, ...]
    ANSWERED_ONLY: frozenset[str]
    """Keys of metrics in which a refused case cannot count as wrong: what a probability or a call meant."""

    def offered(
        self, labels: Sequence[str], positive: str | None, counted: Sequence[str], /
    ) -> list[tuple[Metric, str | None]]:
        """Every metric and label that a test of this protocol gives, the primary one first."""
        ...

    def rule(self, text: str, labels: Sequence[str], positive: str | None, /) -> str:
        """The operating point's rule as given, or the default for ``""``. Raises ValueError where it does not apply."""
        ...

    def evidence(self, raw: Outputs, truth: TruthValue, prepared: Prepared, manifest: Manifest, /) -> Any:
        """What calibration needs of one tuning case, small enough to be kept for every case."""
        ...

    def calibrate(
        self, evidence: Sequence[Any], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
    ) -> Calibrated:
        """Temperature or scales, operating points, sets and intervals, from the tuning cases alone."""
        ...

    def row(self, answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
        """The task's columns of one test case; ``answer`` is None where the package refused it."""
        ...

    def unanswered(self, row: Row, manifest: Manifest, /) -> Row:
        """Columns that make the row of a refused case the worst answer: a positive missed, a negative not cleared, the
        last in every ranking. `measures` then counts it in all but `ANSWERED_ONLY`."""
        ...

    def shows(self, row: Row, manifest: Manifest, /) -> list[str]:
        """The labels that a case truly has, whether it was answered or not."""
        ...

    def measures(
        self, rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /
    ) -> list[Measure]:
        """Every metric over ``rows``, answered ones or filled by `unanswered`; ``clusters`` are their patients."""
        ...

    def figures(
        self, rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /
    ) -> list[Figure]:
        """Figures over the answered rows, as data."""
        ...

    def telling(self, rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
        """Worst, median and best, or the most confident errors: the cases to look at."""
        ...


def clusters_of(patients: Sequence[str]) -> NDArray[Any] | None:
    """Patient of each case, or None where every patient has one case."""
    names = np.array(patients)
    return names if len(np.unique(names)) < len(names) else None
