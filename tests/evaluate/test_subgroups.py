"""Groups of cases, and the one metric within each."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.samples import classification, rows_of

from overread.cohort.case import Case
from overread.evaluate.run import evaluation_of
from overread.evaluate.subgroups import groups_of, subgroups


def test_words_and_few_numbers_are_groups_of_their_own() -> None:
    groups = groups_of(["f", "m", "", "f"])
    assert {k: v.tolist() for k, v in groups.items()} == {"f": [0, 3], "m": [1]}
    assert list(groups_of(["1", "2", "1"])) == ["1", "2"]


def test_many_numbers_become_thirds_without_loss() -> None:
    ages = [str(a) for a in np.random.default_rng(0).integers(1, 90, 100)] + [""]
    groups = groups_of(ages)
    members = np.sort(np.concatenate(list(groups.values())))
    assert len(groups) == 3 and members.tolist() == list(range(100))
    assert max(map(len, groups.values())) - min(map(len, groups.values())) < 10


def test_a_group_of_one_class_says_why_it_has_no_area() -> None:
    sample = classification(["no", "yes"], "yes")
    rows = rows_of(sample.manifest, sample.cases)
    evaluation = evaluation_of(rows, sample.manifest)
    cases = [
        Case(r["case"], r["patient"], {}, attributes={"site": "A" if r["label"] == "no" else "B"})
        for r in rows
    ]
    assert subgroups(evaluation, cases, ["site", "unknown"], sample.manifest) == []
    assert [n.reason.split(":")[0] for n in evaluation.not_computed] == [
        "site A, 30 cases",
        "site B, 30 cases",
    ]


def test_only_the_primary_metric_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = classification(["no", "yes"], "yes")
    rows = rows_of(sample.manifest, sample.cases, str)
    evaluation = evaluation_of(rows, sample.manifest)

    def never(*args: object, **more: object) -> None:
        raise AssertionError("a metric that nobody asked for was computed")

    for name in ("brier", "ece", "rate_ci"):
        monkeypatch.setattr(f"overread.evaluate.tasks.classification.{name}", never)
    cases = [
        Case(r["case"], r["patient"], {}, attributes={"sex": "fm"[i % 3 == 0]}) for i, r in enumerate(rows)
    ]
    found = subgroups(evaluation, cases, ["sex"], sample.manifest)
    assert [(r["group"], r["cases"], r["patients"], r["metric"]) for r in found] == [
        ("f", 40, 40, "auroc"),
        ("m", 20, 20, "auroc"),
    ]
