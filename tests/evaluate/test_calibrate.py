"""Calibration: the tuning cases through the package's own network, for every task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate import roads

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.errors import InputError
from overread.evaluate.calibrate import calibrate
from overread.evaluate.run import evaluate
from overread.evaluate.tasks import TASKS
from overread.runtime.answer import Classes, Findings, Objects
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package
from overread.runtime.predict import predict


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """One case a patient."""
    found = roads.cases_for(tmp_path_factory.mktemp("cases"), n=120)
    return [replace(c, patient=c.case) for c in found]


def _calibrated(package: Package, cases: list[Case], rule: str = "") -> Package:
    found = calibrate(package, cases, rule=rule)
    manifest = package.manifest.model_copy(
        update={
            "calibration": found.calibration,
            "operating_points": dict(found.operating_points),
            "reference": dict(found.reference),
        }
    )
    # What was decided must be a manifest that can be read again.
    again = Manifest.model_validate(manifest.model_dump(mode="json"))
    return replace(package, manifest=again.sealed())


@pytest.mark.parametrize("task", roads.TASKS)
def test_what_is_decided_fits_the_manifest_and_is_answered_with(task: str, cases: list[Case]) -> None:
    ticks: list[int] = []
    package = roads.package_for(task)
    assert calibrate(package, cases, advance=lambda: ticks.append(1)).calibration.cases == len(ticks) == 120
    fitted = _calibrated(package, cases)
    assert fitted.manifest.reference["tuning"] == {"cases": 120, "patients": 120, "refused": 0}
    before, after = evaluate(package, cases), evaluate(fitted, cases)
    first = before.primary[0].key, before.primary[1]
    a, b = before.of(*first), after.of(*first)
    assert a is not None and b is not None
    # Scales and temperatures are monotone: what ranks answers stays.
    assert b.interval.estimate == pytest.approx(a.interval.estimate, abs=1e-6)


def test_the_threshold_decides_as_it_did_on_the_tuning_cases(cases: list[Case]) -> None:
    """The rate that the operating point states is found again when the same cases are answered."""
    fitted = _calibrated(roads.package_for("classification"), cases, "sensitivity>=0.95")
    found = evaluate(fitted, cases).of("sensitivity", None)
    point = fitted.manifest.operating_points["bright"]
    assert (
        found is not None
        and found.interval.estimate == point.figures["apparent_sensitivity"]["estimate"] >= 0.95
    )


def test_each_finding_has_its_own_threshold(cases: list[Case]) -> None:
    fitted = _calibrated(roads.package_for("multilabel"), cases, "specificity>=0.9")
    found = evaluate(fitted, cases)
    for label in ("bright", "dark"):
        m, point = found.of("specificity", label), fitted.manifest.operating_points[label]
        assert (
            m is not None and m.interval.estimate == point.figures["apparent_specificity"]["estimate"] >= 0.9
        )
    answer = predict(fitted, load_case(cases[0])).answer
    assert isinstance(answer, Findings) and set(answer.thresholds) == {"bright", "dark"}


def test_boxes_are_shown_from_the_threshold_on(cases: list[Case]) -> None:
    fitted = _calibrated(roads.package_for("detection"), cases, "false_positives<=0.1")
    found = evaluate(fitted, cases)
    m, point = found.of("false_positives_per_image", "spot"), fitted.manifest.operating_points["spot"]
    assert (
        m is not None
        and m.interval.estimate == point.figures["apparent_false_positives_per_image"]["estimate"] <= 0.1
    )
    answer = predict(fitted, load_case(cases[1])).answer
    assert isinstance(answer, Objects) and answer.candidates is not None
    assert (answer.boxes.scores >= point.threshold).all() and len(answer.candidates) >= len(answer.boxes)


def test_prediction_sets_cover_each_class_of_further_cases(cases: list[Case], tmp_path: Path) -> None:
    fitted = _calibrated(roads.package_for("classification"), cases)
    further = roads.cases_for(tmp_path, n=200, seed=1)
    found = evaluate(fitted, further)
    for label in ("dark", "bright"):
        m = found.of("set_coverage", label)
        assert m is not None and m.interval.high >= 0.9
    answers = [predict(fitted, load_case(c)).answer for c in further[:50]]
    assert all(isinstance(a, Classes) and a.label_set and a.set_coverage == 0.9 for a in answers)


def test_refused_cases_decide_nothing(cases: list[Case], tmp_path: Path) -> None:
    package = roads.package_for("classification", limits={"size": [[8, 30], [8, 30]]})
    large = [
        replace(c, case=f"large{i}", label="dark")
        for i, c in enumerate(roads.cases_for(tmp_path, n=5, size=64))
    ]
    found, alone = calibrate(package, [*cases, *large]), calibrate(package, cases)
    assert found.calibration == alone.calibration and found.operating_points == alone.operating_points
    assert found.reference["tuning"]["refused"] == 5
    with pytest.raises(
        InputError, match=r"none of 5 tuning cases lies within its limits \(case large0: SIZE"
    ):
        calibrate(package, large)


@pytest.mark.parametrize("task", ["segmentation"])
def test_a_rule_for_a_task_without_thresholds_is_refused(task: str, cases: list[Case]) -> None:
    with pytest.raises(ValueError, match="expected none"):
        calibrate(roads.package_for(task), cases, rule="youden")


def test_the_default_rule_is_the_tasks(cases: list[Case]) -> None:
    for task in ("classification", "multilabel", "detection"):
        package = roads.package_for(task)
        rule = TASKS[task].rule("", package.manifest.labels, package.manifest.positive)
        points = calibrate(package, cases).operating_points
        assert {point.rule for point in points.values()} == {rule}


def test_scores_are_calibrated_in_double_precision(cases: list[Case]) -> None:
    fitted = _calibrated(roads.package_for("classification"), cases)
    scores = [predict(fitted, load_case(c)).answer.scores["bright"] for c in cases[:20]]  # type: ignore[union-attr]
    assert any(float(np.float32(s)) != s for s in scores)
