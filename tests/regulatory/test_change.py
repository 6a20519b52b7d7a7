"""A change inside its plan and changes outside it are told apart by the plan's own tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from tests.regulatory.made_up import made_up_package, made_up_run
from tests.runtime.models import manifest

from overread.errors import BlockingError, InputError
from overread.ledger.ledger import Ledger
from overread.regulatory.change.document import change_command, judgement
from overread.regulatory.change.judge import judge_change
from overread.regulatory.change.plan import (
    ALWAYS_FIXED,
    PARTS,
    ChangePlan,
    Movable,
    check_metrics,
    moved,
    propose,
    read_plan,
    write_proposal,
)
from overread.regulatory.comparison.paired import compare
from overread.regulatory.comparison.side import Side
from overread.regulatory.documents.html import html_of
from overread.regulatory.finished import read_finished
from overread.runtime.manifest import Manifest

TRUTH = [1] * 100 + [0] * 100
OLD = [0.9] * 90 + [0.2] * 10 + [0.1] * 90 + [0.8] * 10


def _manifest(threshold: float = 0.5, **changes: Any) -> Manifest:
    points = {"abnormal": {"rule": "youden", "threshold": threshold, "figures": {}}}
    return manifest(operating_points=points, **changes).sealed()


def _side(scores: list[float], facts: Manifest) -> Side:
    labels = ["normal", "abnormal"]
    rows: list[dict[str, Any]] = [
        {"case": f"c{k}", "patient": f"p{k}", "outcome": "ok", "label": labels[y], "score_abnormal": s}
        for k, (s, y) in enumerate(zip(scores, TRUTH, strict=True))
    ]
    return Side(facts.version, facts, rows)


def _plan(old: Manifest, **changes: Any) -> ChangePlan:
    base: dict[str, Any] = {
        "package": old.sha256,
        "version": old.version,
        "modifications": [{"id": "M1", "what": "trained anew"}],
        "acceptance": [
            {"metric": "auroc", "label": "abnormal", "margin": 0.05},
            {"metric": "sensitivity", "label": "abnormal", "margin": 0.05, "reach": 0.8},
        ],
        "least_cases": 200,
    }
    return ChangePlan.model_validate(base | changes)


OLD_FACTS = _manifest()


def _failed(plan: ChangePlan, scores: list[float], new: Manifest) -> list[str]:
    checks = judge_change(plan, compare(_side(OLD, OLD_FACTS), _side(scores, new)))
    return [c.name for c in checks if not c.holds]


def test_the_same_answers_under_a_new_version_are_inside() -> None:
    assert _failed(_plan(OLD_FACTS), OLD, _manifest(version="2.0")) == []


def test_a_worse_model_is_outside_by_its_limit() -> None:
    """Nine more misses of 100: sensitivity falls by .09 and fails; the area falls by less than its margin."""
    worse = [0.9] * 81 + [0.2] * 19 + OLD[100:]
    assert _failed(_plan(OLD_FACTS), worse, _manifest(version="2.0")) == ["sensitivity of abnormal"]


def test_a_shift_of_scale_breaks_the_old_threshold_only() -> None:
    shifted = [s / 3 for s in OLD]
    new = _manifest(0.5 / 3, version="2.0")
    assert _failed(_plan(OLD_FACTS), shifted, new) == []
    kept = [{"metric": "sensitivity", "label": "abnormal", "thresholds": "kept"}]
    assert _failed(_plan(OLD_FACTS, acceptance=kept), shifted, new) == [
        "sensitivity of abnormal, old thresholds"
    ]


@pytest.mark.parametrize(
    ("plan", "new", "failed"),
    [
        ({}, {"channels": [{"name": "image", "modality": ["CT"]}]}, "scope: channels"),
        ({"least_cases": 500}, {}, "cases"),
        ({"package": "0" * 64}, {}, "begins from"),
        ({}, {"version": "1.0"}, "version"),
    ],
)
def test_what_nobody_foresaw_is_outside(plan: dict[str, Any], new: dict[str, Any], failed: str) -> None:
    assert _failed(_plan(OLD_FACTS, **plan), OLD, _manifest(**({"version": "2.0"} | new))) == [failed]


def test_a_foreseen_input_is_inside_and_another_question_never() -> None:
    more = [{"id": "M2", "what": "CT, too", "kind": "input", "parts": ["channels"]}]
    new = _manifest(version="2.0", channels=[{"name": "image", "modality": ["CT"]}])
    assert _failed(_plan(OLD_FACTS, modifications=more), OLD, new) == []
    other = [{"id": "M2", "what": "another class", "parts": ["limits"]}]
    labels = {"labels": ["normal", "other"], "positive": "other"}
    renamed = manifest(version="2.0", **labels).sealed()
    assert {"labels", "positive"} <= set(moved(OLD_FACTS, renamed))
    assert "scope: labels" in _failed(_plan(OLD_FACTS, modifications=other), OLD, renamed)


def test_numbers_that_training_measures_are_no_change_and_methods_are() -> None:
    def steps(**grey: object) -> dict[str, Any]:
        return {"dimensions": 2, "color": "gray", "size": [8, 8], "intensity": [{"method": "fixed"} | grey]}

    assert moved(OLD_FACTS, _manifest(version="2.0", preprocess=steps(mean=0.3, std=0.2))) == {}
    larger = steps() | {"size": [16, 16]}
    assert set(moved(OLD_FACTS, _manifest(version="2.0", preprocess=larger))) == {"preprocess"}
    assert set(
        moved(OLD_FACTS, _manifest(version="2.0", preprocess=steps(method="range", percentiles=[1, 99])))
    ) == {"preprocess"}


def test_a_test_that_cannot_be_done_is_not_passed() -> None:
    asked = [{"metric": "dice", "label": "abnormal"}]
    assert _failed(_plan(OLD_FACTS, acceptance=asked), OLD, _manifest(version="2.0")) == ["dice of abnormal"]


def test_a_run_proposes_a_plan_that_can_be_read(tmp_path: Path) -> None:
    run = read_finished(made_up_run(tmp_path / "run"))
    path = write_proposal(run, tmp_path / "change_plan.yaml")
    plan = read_plan(path)
    check_metrics(plan, path)
    assert [(a.metric, a.label) for a in plan.acceptance] == [
        ("auroc", "pneumonia"),
        ("sensitivity", "pneumonia"),
        ("specificity", "pneumonia"),
    ]
    assert plan.acceptance[0].reach == 0.75
    assert propose(run)["package"] == run.report["package"]["sha256"]
    before = path.read_bytes()
    write_proposal(run, path)
    assert path.read_bytes() == before


def test_the_verdict_goes_into_the_ledger_whatever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made_up_run(tmp_path / "run")
    run = read_finished(folder)
    write_proposal(run, folder / "change_plan.yaml")
    old = folder / "package" / "chest-1.0.overread"
    new = made_up_package(tmp_path / "new.overread", version="2.0").path
    sides = [_side(OLD, OLD_FACTS), _side(OLD, _manifest(version="2.0"))]
    monkeypatch.setattr("overread.regulatory.change.document.sides_of_packages", lambda *a, **k: sides)
    with pytest.raises(BlockingError, match="outside the plan"):
        change_command(old, new, against=folder, cases=tmp_path, out=tmp_path / "c.html")
    (event,) = Ledger.open(folder / "ledger.db").events("change.judged")
    assert event.data["inside"] is False
    assert "OUTSIDE the plan: begins from" in (tmp_path / "c.html").read_text()
    plan = folder / "change_plan.yaml"
    plan.write_text(plan.read_text().replace("margin: 0.05", "margin: 0.5"))
    with pytest.raises(BlockingError, match=r"outside the plan .* \(plan; begins from"):
        change_command(old, new, against=folder, cases=tmp_path, out=None)


def test_the_page_says_inside_with_the_numbers() -> None:
    plan = _plan(OLD_FACTS)
    c = compare(_side(OLD, OLD_FACTS), _side(OLD, _manifest(version="2.0")))
    page = html_of(judgement(plan, judge_change(plan, c), c))
    assert "INSIDE the plan" in page
    assert "against a margin of 0.05: kept" in page


def test_plans_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no metric"):
        check_metrics(_plan(OLD_FACTS, acceptance=[{"metric": "luck"}]), tmp_path)
    with pytest.raises(ValueError, match="an id stands twice"):
        _plan(OLD_FACTS, modifications=[{"id": "M1", "what": "a"}, {"id": "M1", "what": "b"}])


def test_nothing_of_a_package_but_what_training_moves_changes_unnoticed() -> None:
    """Further networks, cleaning, views, sizes that count: whatever the manifest has, now or later."""
    for part, value in (("views", ["flip x"]), ("smallest_part", 9), ("decoding", {"most": 5.0})):
        assert set(moved(OLD_FACTS, OLD_FACTS.model_copy(update={part: value}))) == {part}
    more = OLD_FACTS.model_copy(update={"files": dict(OLD_FACTS.files) | {"model-1.onnx": "0" * 64}})
    assert set(moved(OLD_FACTS, more)) == {"files"}
    assert set(get_args(Movable)) | set(ALWAYS_FIXED) == set(PARTS)


def test_margins_without_an_end_are_refused() -> None:
    for bad in ({"margin": float("inf")}, {"reach": float("-inf")}):
        with pytest.raises(ValueError, match="finite"):
            _plan(OLD_FACTS, acceptance=[{"metric": "auroc", "label": "abnormal"} | bad])
