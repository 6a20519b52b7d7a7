"""What holds for every task: the tables agree, everything offered is measured, every direction is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.evaluate.samples import SAMPLES, Sample, rows_of

from overread.cohort.case import Case
from overread.evaluate.metrics import METRICS
from overread.evaluate.run import evaluation_of, offered
from overread.evaluate.subgroups import subgroups
from overread.evaluate.tasks import TASKS
from overread.evaluate.tasks.protocol import clusters_of
from overread.task import TASKS as FACTS

EVERY = [
    pytest.param(name, make, id=f"{name}-{i}")
    for name, makers in SAMPLES.items()
    for i, make in enumerate(makers)
]


def _pairs(sample: Sample) -> list[tuple[str, str | None]]:
    manifest = sample.manifest
    pairs = offered(TASKS[manifest.task], manifest.labels, manifest.positive, manifest.counted_labels)
    return [(metric.key, label) for metric, label in pairs]


def test_every_task_has_a_module_and_a_sample() -> None:
    assert list(TASKS) == list(FACTS) == list(SAMPLES)


def test_every_metric_of_a_task_is_in_the_table() -> None:
    for task in TASKS.values():
        assert task.METRICS and all(METRICS[metric.key] is metric for metric in task.METRICS)


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_everything_offered_is_measured_and_nothing_else(name: str, make) -> None:
    sample = make()
    evaluation = evaluation_of(sample.rows, sample.manifest)
    assert not evaluation.not_computed
    assert sorted((m.metric.key, m.label or "") for m in evaluation.measured) == sorted(
        (key, label or "") for key, label in _pairs(sample)
    )
    assert len(set(_pairs(sample))) == len(_pairs(sample))
    first = evaluation.of(*_pairs(sample)[0])
    assert first is not None and evaluation.primary == (first.metric, first.label)
    allowed = {metric.key for metric in TASKS[name].METRICS} | {"answered"}
    assert {key for key, _ in _pairs(sample)} <= allowed


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_numbers_lie_in_their_interval_and_shares_between_0_and_1(name: str, make) -> None:
    for m in evaluation_of(make().rows, make().manifest).measured:
        i = m.interval
        if m.metric.key != "ece":  # basic bootstrap: its limits may leave the estimate
            assert i.low - 1e-9 <= i.estimate <= i.high + 1e-9
        if m.metric.share and m.metric.key != "brier":
            assert 0 <= i.low <= i.high <= 1
        assert m.unit and m.metric.name and m.metric.meaning


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_repeated_images_of_patients_widen_no_number_of_patients(name: str, make) -> None:
    """Every image twice, under one patient: the estimates stay, and rest on as many patients as before."""
    sample = make()
    once = evaluation_of(rows_of(sample.manifest, sample.cases, lambda i: f"p{i}"), sample.manifest)
    cases = [case for case in sample.cases for _ in range(2)]
    twice = evaluation_of(rows_of(sample.manifest, cases, lambda i: f"p{i // 2}"), sample.manifest)
    for m in once.measured:
        again = twice.of(m.metric.key, m.label)
        assert again is not None
        assert again.interval.estimate == pytest.approx(m.interval.estimate, abs=1e-9)
        assert again.interval.n is None or again.interval.n <= len(sample.cases)


def _with_refused(sample: Sample) -> Sample:
    """Every third case once more, refused."""
    return replace(sample, cases=[*sample.cases, *((None, truth) for _, truth in sample.cases[::3])])


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_refused_cases_count_as_wrong(name: str, make) -> None:
    """Intention to diagnose: no number gets better by refusing, and what needs an answer stays as it was."""
    sample = make()
    before = evaluation_of(rows_of(sample.manifest, sample.cases, str), sample.manifest)
    after = evaluation_of(rows_of(sample.manifest, _with_refused(sample).cases, str), sample.manifest)
    only = TASKS[sample.manifest.task].ANSWERED_ONLY
    assert len(after.measured) == len(before.measured)
    worse = 0
    for m in before.measured:
        again = after.of(m.metric.key, m.label)
        assert again is not None
        if m.metric.key in only:
            assert again.interval == m.interval
        elif m.metric.better == "higher":
            assert again.interval.estimate <= m.interval.estimate + 1e-12, m.metric.key
            worse += again.interval.estimate < m.interval.estimate
        elif m.metric.better == "lower":
            assert again.interval.estimate >= m.interval.estimate - 1e-12, m.metric.key
    assert worse >= 3 and after.primary == before.primary
    assert {(m.metric.key, m.label) for m in after.beside} == {
        (m.metric.key, m.label) for m in before.measured if m.metric.key not in {*only, "answered"}
    }
    for m in after.beside:
        same = before.of(m.metric.key, m.label)
        assert same is not None and same.interval == m.interval


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_refused_cases_are_left_out_where_the_protocol_says_so(name: str, make) -> None:
    sample = make()
    rows = rows_of(sample.manifest, _with_refused(sample).cases, str)
    before = evaluation_of(rows_of(sample.manifest, sample.cases, str), sample.manifest)
    after = evaluation_of(rows, sample.manifest, unanswered="left_out")
    for m in before.measured:
        again = after.of(m.metric.key, m.label)
        assert again is not None
        assert (again.interval == m.interval) is (m.metric.key != "answered")
    wrong = evaluation_of(rows, sample.manifest)
    assert {(m.metric.key, m.label): m.interval for m in after.beside} == {
        (m.metric.key, m.label): m.interval
        for m in wrong.measured
        if (m.metric.key, m.label) in {(b.metric.key, b.label) for b in wrong.beside}
    }


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_nothing_answered_is_all_wrong(name: str, make) -> None:
    sample = make()
    rows = rows_of(sample.manifest, [(None, truth) for _, truth in sample.cases])
    evaluation = evaluation_of(rows, sample.manifest)
    first = evaluation.of(*_pairs(sample)[0])
    # Below 0 where disagreement is worse than chance; an error is larger than any that was made.
    assert first is not None
    assert first.interval.estimate <= 0 or first.metric.better == "lower"
    only = TASKS[sample.manifest.task].ANSWERED_ONLY
    assert {n.metric for n in evaluation.not_computed} == {key for key, _ in _pairs(sample)} & only
    left_out = evaluation_of(rows, sample.manifest, unanswered="left_out")
    assert [m.metric.key for m in left_out.measured] == ["answered"]
    assert "answered none of" in left_out.reason(*_pairs(sample)[0])


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_one_case_gives_reasons_and_no_traceback(name: str, make) -> None:
    sample = make()
    evaluation = evaluation_of(rows_of(sample.manifest, sample.cases[:1], str), sample.manifest)
    assert len(evaluation.measured) + len(evaluation.not_computed) == len(_pairs(sample))


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_figures_and_telling_cases_are_of_answered_cases(name: str, make) -> None:
    sample = make()
    evaluation = evaluation_of(sample.rows, sample.manifest)
    assert evaluation.figures and evaluation.telling
    assert {t.case for t in evaluation.telling} <= {r["case"] for r in evaluation.rows}


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_rows_are_plain_numbers_and_text(name: str, make) -> None:
    sample = make()
    for row in sample.rows:
        assert {type(value) for value in row.values()} <= {int, float, str, type(None)}


@pytest.mark.parametrize(("name", "make"), EVERY)
def test_subgroups_are_the_primary_metric_of_their_rows(name: str, make) -> None:
    sample = make()
    rows = sample.rows
    evaluation = evaluation_of(rows, sample.manifest)
    cases = [
        Case(r["case"], r["patient"], {}, attributes={"half": "ab"[i % 4 < 2]}) for i, r in enumerate(rows)
    ]
    found = subgroups(evaluation, cases, ["half"], sample.manifest)
    first = (evaluation.primary[0].key, evaluation.primary[1])
    own = [r for r in found.rows if (r["metric"], r["label"]) == first]
    assert [row["group"] for row in own] == ["a", "b"]
    part = [r for i, r in enumerate(rows) if i % 4 >= 2]
    alone = evaluation_of(part, sample.manifest).of(*first)
    assert alone is not None and own[0]["estimate"] == alone.interval.estimate
    assert (own[0]["cases"], own[0]["patients"]) == (len(part), len({r["patient"] for r in part}))
    gap = next(g for g in found.gaps if (g["metric"], g["label"]) == first)
    assert gap["gap"]["estimate"] == pytest.approx(abs(own[0]["estimate"] - own[1]["estimate"]))
    assert gap["comparisons"] == 1 and not found.answered


def test_clusters_only_where_a_patient_repeats() -> None:
    assert clusters_of(["a", "b"]) is None
    assert clusters_of(["a", "b", "a"]) is not None
