"""The test: every case answered by runtime.predict and held against its truth, every metric with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.figures import Figure
from overread.evaluate.metric import Measure, Measured, Metric, NotComputed
from overread.evaluate.metrics import METRICS
from overread.evaluate.rates import CASES
from overread.evaluate.tasks import TASKS
from overread.evaluate.tasks.protocol import EvaluateTask, Row, Telling, clusters_of
from overread.imaging.image import Image
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Outcome, Prediction
from overread.stats.intervals import rate_ci
from overread.task import TASKS as FACTS

Seen = Callable[[Case, Image, Prediction, TruthValue], None]
TruthOf = Callable[[Case, Image], TruthValue]


@dataclass
class Evaluation:
    """What the test gave.

    Attributes
    ----------
    rows
        One a case: ``case``, ``patient``, ``outcome`` and the task's own columns, at full precision.
    primary
        The metric that stands first, and its label.
    measured, not_computed
        Every metric that the task offers is in one of them, as is ``answered``.
    figures, telling
        Data for pictures, and the cases worth looking at; of the answered cases.
    """

    rows: list[Row]
    primary: tuple[Metric, str | None]
    measured: list[Measured] = field(default_factory=list)
    not_computed: list[NotComputed] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    telling: list[Telling] = field(default_factory=list)

    def of(self, metric: str, label: str | None) -> Measured | None:
        """A measured number; None where these cases could not give it."""
        return next((m for m in self.measured if (m.metric.key, m.label) == (metric, label)), None)

    def reason(self, metric: str, label: str | None) -> str:
        """Why a number could not be computed; that it was not asked for where nobody tried."""
        found = (n.reason for n in self.not_computed if (n.metric, n.label) == (metric, label))
        return next(found, "this test does not measure it")


def evaluate(
    package: Package,
    cases: Sequence[Case],
    *,
    advance: Callable[[], None] = lambda: None,
    seen: Seen = lambda case, image, prediction, truth: None,
    truth_of: TruthOf | None = None,
) -> Evaluation:
    """Answer every case with the package and compute the task's metrics.

    Cases outside the package's limits are counted in ``answered`` and take no part in the other metrics.

    Parameters
    ----------
    advance
        Called after each case.
    seen
        Called with each case, its image, the prediction and the truth, while they are at hand.
    truth_of
        How a case's truth is read; by default as the task's kind of truth is.

    Raises InputError, naming the case, for images or truths that cannot be read.
    """
    manifest = package.manifest
    task = TASKS[manifest.task]
    truth_of = truth_of or _reader(manifest)
    rows: list[Row] = []
    for case in cases:
        image = load_case(case)
        truth = truth_of(case, image)
        prediction = predict(package, image)
        seen(case, image, prediction, truth)
        about: Row = {"case": case.case, "patient": case.patient, "outcome": str(prediction.outcome)}
        rows.append(about | task.row(prediction.answer, truth, image, manifest))
        advance()
    return evaluation_of(rows, manifest)


def evaluation_of(rows: Sequence[Row], manifest: Manifest) -> Evaluation:
    """Every metric, the figures and the telling cases of rows as `evaluate` collects them."""
    task = TASKS[manifest.task]
    pairs = task.offered(manifest.labels, manifest.positive, manifest.counted_labels)
    out = Evaluation(list(rows), pairs[0])
    answered = answered_rows(rows)
    if answered:
        clusters = clusters_of([r["patient"] for r in answered])
        _compute(out, task.measures(answered, manifest, clusters))
        out.figures = task.figures(answered, manifest, out.measured)
        out.telling = task.telling(answered, manifest)
    else:
        reason = f"the package answered none of {len(rows)} cases"
        out.not_computed += [NotComputed(metric.key, label, reason) for metric, label in pairs]
    _compute(out, [_answered(rows)])
    return out


def answered_rows(rows: Iterable[Row]) -> list[Row]:
    """The rows of cases that the package answered."""
    return [r for r in rows if r["outcome"] == str(Outcome.OK)]


def offered(
    task: EvaluateTask, labels: Sequence[str], positive: str | None, counted: Sequence[str]
) -> list[tuple[Metric, str | None]]:
    """Every metric and label of a test, the primary one first, and ``answered``, which every task has."""
    return [*task.offered(labels, positive, counted), (METRICS["answered"], None)]


def _reader(manifest: Manifest) -> TruthOf:
    truth = TRUTHS[FACTS[manifest.task].truth]
    return lambda case, image: truth.read(case, image, manifest.labels)


def _compute(out: Evaluation, measures: Iterable[Measure]) -> None:
    for m in measures:
        try:
            interval = m.compute()
        except ValueError as error:  # these cases cannot give it: one class only, nothing found
            out.not_computed.append(NotComputed(m.metric.key, m.label, str(error)))
        else:
            out.measured.append(Measured(m.metric, m.label, m.unit, interval))


def _answered(rows: Sequence[Row]) -> Measure:
    given = np.array([r["outcome"] == str(Outcome.OK) for r in rows], np.bool_)
    clusters = clusters_of([r["patient"] for r in rows])
    return Measure(METRICS["answered"], None, CASES, partial(rate_ci, given, cluster=clusters))
