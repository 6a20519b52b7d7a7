"""Groups of cases, and the one metric within each."""

from __future__ import annotations

import pytest
from tests.evaluate.samples import classification, rows_of

from overread.cohort.case import Case
from overread.evaluate.run import evaluation_of
from overread.evaluate.subgroups import shown_metrics, subgroups


def test_a_group_of_one_class_says_why_it_has_no_area() -> None:
    sample = classification(["no", "yes"], "yes")
    rows = rows_of(sample.manifest, sample.cases)
    evaluation = evaluation_of(rows, sample.manifest)
    cases = [
        Case(r["case"], r["patient"], {}, attributes={"site": "A" if r["label"] == "no" else "B"})
        for r in rows
    ]
    found = subgroups(evaluation, cases, ["site", "unknown"], sample.manifest)
    assert {(r["group"], r["metric"]) for r in found.rows} == {("A", "specificity"), ("B", "sensitivity")}
    assert found.gaps == []
    of_area = [n for n in found.not_computed if n["metric"] == "auroc"]
    assert [(n["group"], n["cases"]) for n in of_area] == [("A", 30), ("B", 30)]
    assert all("only class" in n["reason"] for n in of_area) and not evaluation.not_computed


def test_of_many_labels_the_accuracy_is_shown_by_group() -> None:
    sample = classification(["a", "b", "c", "d", "e"])
    evaluation = evaluation_of(rows_of(sample.manifest, sample.cases, str), sample.manifest)
    keys = shown_metrics(evaluation, sample.manifest)
    assert keys == [("auroc_macro", None), ("balanced_accuracy", None), ("accuracy", None)]


def test_only_what_is_shown_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = classification(["no", "yes"], "yes")
    rows = rows_of(sample.manifest, sample.cases, str)
    evaluation = evaluation_of(rows, sample.manifest)

    def never(*args: object, **more: object) -> None:
        raise AssertionError("a metric that nobody asked for was computed")

    for name in ("brier", "ece"):
        monkeypatch.setattr(f"overread.evaluate.tasks.classification.{name}", never)
    cases = [
        Case(r["case"], r["patient"], {}, attributes={"sex": "fm"[i % 3 == 0]}) for i, r in enumerate(rows)
    ]
    found = subgroups(evaluation, cases, ["sex"], sample.manifest)
    assert [(r["group"], r["cases"], r["patients"], r["metric"]) for r in found.rows] == [
        (group, n, n, metric)
        for metric in ("auroc", "sensitivity", "specificity")
        for group, n in (("f", 40), ("m", 20))
    ]
    assert [g["metric"] for g in found.gaps] == ["auroc", "sensitivity", "specificity"]


def test_refusals_are_shown_by_class_and_group() -> None:
    sample = classification(["no", "yes"], "yes")
    answers = [(None if i % 6 == 1 else answer, truth) for i, (answer, truth) in enumerate(sample.cases)]
    rows = rows_of(sample.manifest, answers, str)
    evaluation = evaluation_of(rows, sample.manifest)
    cases = [Case(r["case"], r["patient"], {}, attributes={"site": "AB"[i % 2]}) for i, r in enumerate(rows)]
    found = subgroups(evaluation, cases, ["site"], sample.manifest).answered
    assert [(r["attribute"], r["group"], r["cases"], r["answered"]) for r in found] == [
        ("class", "no", 30, 30),
        ("class", "yes", 30, 20),
        ("site", "A", 30, 30),
        ("site", "B", 30, 20),
    ]
    assert found[1]["estimate"] == 20 / 30 and found[1]["low"] < 20 / 30
