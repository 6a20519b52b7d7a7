"""The test: every case answered by runtime.predict and held against its truth, every metric with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.figures import Figure
from overread.evaluate.measured import offered_measures
from overread.evaluate.metric import Measure, Measured, Metric, NotComputed
from overread.evaluate.metrics import METRICS
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row
from overread.evaluate.tasks import TASKS
from overread.evaluate.tasks.protocol import EvaluateTask, Telling, clusters_of
from overread.imaging.image import Image
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Outcome, Prediction
from overread.stats.intervals import rate_ci
from overread.task import TASKS as FACTS

Unanswered = Literal["wrong", "left_out"]
"""How refused cases count in the measures that goals are judged on."""
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
        Every metric that the task offers is in one of them, as is ``answered``. With ``unanswered`` ``wrong`` a refused
        case counts as answered wrongly wherever that can be said (intention to diagnose: Schuetz et al., BMJ
        2012;345:e6717); what needs an answer, such as a probability, is of the answered cases.
    beside
        Where cases were refused, the same metrics counted the other way.
    figures, telling
        Data for pictures, and the cases worth looking at; of the answered cases.
    """

    rows: list[Row]
    primary: tuple[Metric, str | None]
    measured: list[Measured] = field(default_factory=list)
    not_computed: list[NotComputed] = field(default_factory=list)
    unanswered: Unanswered = "wrong"
    beside: list[Measured] = field(default_factory=list)
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
    unanswered: Unanswered = "wrong",
) -> Evaluation:
    """Answer every case with the package and compute the task's metrics.

    Cases outside the package's limits are counted in ``answered``, and in the other metrics as `Evaluation` says.

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
    return evaluation_of(rows, manifest, unanswered=unanswered)


def evaluation_of(rows: Sequence[Row], manifest: Manifest, *, unanswered: Unanswered = "wrong") -> Evaluation:
    """Every metric, the figures and the telling cases of rows as `evaluate` collects them."""
    task = TASKS[manifest.task]
    pairs = task.offered(manifest.judged, manifest.positive, manifest.counted_labels)
    out = Evaluation(list(rows), pairs[0], unanswered=unanswered)
    answered = answered_rows(rows)
    counted = measures_of(rows, manifest, unanswered=unanswered)
    out.measured, out.not_computed = _computed(counted)
    lost = {(m.metric.key, m.label) for m in counted}
    reason = f"the package answered none of {len(rows)} cases"
    out.not_computed += [NotComputed(m.key, k, reason) for m, k in pairs if (m.key, k) not in lost]
    if len(answered) < len(rows):
        other: Unanswered = "left_out" if unanswered == "wrong" else "wrong"
        changed = [m for m in measures_of(rows, manifest, unanswered=other) if _differs(m, task)]
        out.beside = _computed(changed)[0]
    if answered:
        # Curves are of answered cases, and so must be the numbers that stand in them.
        same = {(m.metric.key, m.label): m for m in out.beside} if unanswered == "wrong" else {}
        drawn = [same.get((m.metric.key, m.label), m) for m in out.measured]
        out.figures = task.figures(answered, manifest, drawn)
        out.telling = task.telling(answered, manifest)
    out.measured += _computed([_answered(rows)])[0]
    return out


def measures_of(rows: Sequence[Row], manifest: Manifest, *, unanswered: Unanswered) -> list[Measure]:
    """Every metric of the task still to be computed: of the answered rows, and where refused ones count as wrong also
    of those, with `EvaluateTask.unanswered` as their answer. Without any answer only the latter."""
    task, answered = TASKS[manifest.task], answered_rows(rows)
    found = task.measures(answered, manifest, _patients(answered)) if answered else []
    if unanswered == "left_out" or len(answered) == len(rows):
        return found
    filled = [r if _is_answered(r) else r | task.unanswered(r, manifest) for r in rows]
    every = task.measures(filled, manifest, _patients(filled))
    wrong = {(m.metric.key, m.label): m for m in every if _differs(m, task)}
    if not answered:
        return list(wrong.values())
    return [wrong.get((m.metric.key, m.label), m) for m in found]


def answered_rows(rows: Iterable[Row]) -> list[Row]:
    """The rows of cases that the package answered."""
    return [r for r in rows if _is_answered(r)]


def offered(
    task: EvaluateTask,
    labels: Sequence[str],
    positive: str | None,
    counted: Sequence[str],
    measures: Mapping[str, Sequence[str]] | None = None,
) -> list[tuple[Metric, str | None]]:
    """Every metric and label of a test, the primary one first, those of declared ``measures``, and ``answered``, which
    every task has."""
    further = offered_measures(measures or {})
    return [*task.offered(labels, positive, counted), *further, (METRICS["answered"], None)]


def _reader(manifest: Manifest) -> TruthOf:
    truth = TRUTHS[FACTS[manifest.task].truth]
    return lambda case, image: truth.read(case, image, manifest.labels)


def _computed(measures: Iterable[Measure]) -> tuple[list[Measured], list[NotComputed]]:
    measured, lost = [], []
    for m in measures:
        try:
            interval = m.compute()
        except ValueError as error:  # these cases cannot give it: one class only, nothing found
            lost.append(NotComputed(m.metric.key, m.label, str(error)))
        else:
            measured.append(Measured(m.metric, m.label, m.unit, interval))
    return measured, lost


def _differs(measure: Measure, task: EvaluateTask) -> bool:
    """A refused case can count as wrong in it."""
    return measure.metric.key not in task.ANSWERED_ONLY


def _is_answered(row: Row) -> bool:
    return bool(row["outcome"] == str(Outcome.OK))


def _patients(rows: Sequence[Row]) -> NDArray[Any] | None:
    return clusters_of([r["patient"] for r in rows])


def _answered(rows: Sequence[Row]) -> Measure:
    given = np.array([_is_answered(r) for r in rows], np.bool_)
    return Measure(METRICS["answered"], None, CASES, partial(rate_ci, given, cluster=_patients(rows)))
