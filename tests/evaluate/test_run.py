"""The test itself: answered by predict, case by case, whatever the task."""

from __future__ import annotations

import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate import roads

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.evaluate.figures import RocFigure
from overread.evaluate.run import Evaluation, answered_rows, evaluate
from overread.evaluate.tasks import TASKS, classification
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Outcome
from overread.task import TASKS as FACTS


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return roads.cases_for(tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize("task", roads.TASKS)
def test_every_case_is_answered_by_predict_and_seen(task: str, cases: list[Case]) -> None:
    package = roads.package_for(task)
    kept, ticks = [], []
    found = evaluate(
        package,
        cases,
        advance=lambda: ticks.append(1),
        seen=lambda case, image, prediction, truth: kept.append((case, image, prediction, truth)),
    )
    assert len(found.rows) == len(ticks) == len(kept) == 40
    assert {r["outcome"] for r in found.rows} == {"ok"}
    for (case, image, prediction, truth), row in zip(kept[:5], found.rows, strict=False):
        again = predict(package, load_case(case))
        columns = TASKS[task].row(again.answer, truth, image, package.manifest)
        about = {"case": case.case, "patient": case.patient, "outcome": str(Outcome.OK)}
        assert row == about | columns and prediction.outcome is Outcome.OK
    primary = found.of(found.primary[0].key, found.primary[1])
    assert primary is not None and primary.interval.estimate > 0.5


@pytest.mark.parametrize("task", roads.TASKS)
def test_refused_cases_are_counted_as_the_protocol_says(task: str, cases: list[Case], tmp_path: Path) -> None:
    package = roads.package_for(task, limits={"size": [[8, 30], [8, 30]]})
    large = roads.cases_for(tmp_path, n=3, size=64)
    outside = [replace(c, case=f"large{i}", patient=f"q{i}") for i, c in enumerate(large)]
    found, alone = evaluate(package, [*cases, *outside], unanswered="left_out"), evaluate(package, cases)
    answered = found.of("answered", None)
    assert answered is not None and answered.interval.estimate == pytest.approx(40 / 43)
    assert [r["outcome"] for r in found.rows[-3:]] == ["out_of_limits"] * 3
    assert answered_rows(found.rows) == alone.rows
    rest = [m for m in found.measured if m.metric.key != "answered"]
    assert [m.interval for m in rest] == [m.interval for m in alone.measured if m.metric.key != "answered"]
    wrong = evaluate(package, [*cases, *outside])
    first, second = (e.of(e.primary[0].key, e.primary[1]) for e in (alone, wrong))
    assert first is not None and second is not None and second.interval.estimate < first.interval.estimate


def test_numbers_in_a_curve_are_of_the_cases_that_it_is_drawn_of(cases: list[Case], tmp_path: Path) -> None:
    package = roads.package_for("classification", limits={"size": [[8, 30], [8, 30]]})
    large = roads.cases_for(tmp_path, n=3, size=64)
    outside = [replace(c, case=f"large{i}", patient=f"q{i}") for i, c in enumerate(large)]
    roc = next(f for f in evaluate(package, [*cases, *outside]).figures if isinstance(f, RocFigure))
    alone = evaluate(package, cases).of("auroc", None)
    (curve,) = roc.curves
    assert alone is not None and curve.area is not None and curve.area.interval == alone.interval
    assert len(curve.truth) == len(cases)


def test_a_package_that_answers_nothing_says_so(cases: list[Case]) -> None:
    package = roads.package_for("classification", limits={"size": [[1, 2], [1, 2]]})
    found = evaluate(package, cases[:4], unanswered="left_out")
    assert [m.metric.key for m in found.measured] == ["answered"] and not found.figures
    assert {n.reason for n in found.not_computed} == {"the package answered none of 4 cases"}


def test_truths_can_be_read_otherwise(cases: list[Case]) -> None:
    package = roads.package_for("classification")
    found = evaluate(package, cases, truth_of=lambda case, image: 1 - int(case.label == "bright"))
    assert [r["label"] for r in found.rows] != [c.label for c in cases]


def test_a_task_that_nobody_knew_is_evaluated_like_any_other(
    cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables are looked up when they are needed: an entry of its own in each is all that a task takes."""
    from overread.runtime.tasks import TASKS as RUNTIME

    made_up = types.ModuleType("made_up")
    made_up.__dict__.update(vars(classification))
    made_up.__dict__["telling"] = lambda rows, manifest: []
    upside_down = types.ModuleType("upside_down")
    upside_down.__dict__.update(vars(TRUTHS["label"]))
    upside_down.__dict__["read"] = lambda case, image, labels: int(case.label == "dark")
    monkeypatch.setitem(FACTS, "made-up", replace(FACTS["classification"], truth="upside-down"))
    monkeypatch.setitem(TRUTHS, "upside-down", upside_down)  # type: ignore[misc]
    monkeypatch.setitem(RUNTIME, "made-up", RUNTIME["classification"])
    monkeypatch.setitem(TASKS, "made-up", made_up)  # type: ignore[misc]
    found = evaluate(_renamed(roads.package_for("classification"), "made-up"), cases)
    assert isinstance(found, Evaluation) and not found.telling
    area = found.of("auroc", None)
    assert area is not None and area.interval.estimate < 0.5


def _renamed(package: Package, task: str) -> Package:
    return replace(package, manifest=package.manifest.model_copy(update={"task": task}))


def test_scores_keep_every_digit(cases: list[Case]) -> None:
    found = evaluate(roads.package_for("classification"), cases)
    scores = np.array([r["score_bright"] for r in found.rows])
    assert (scores != scores.round(6)).any()
