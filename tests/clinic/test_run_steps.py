"""The steps of a run, each by itself and each twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from tests.clinic.results.content import coded, items, numbers
from tests.clinic.site import (
    CEILING_SECONDS,
    free_port,
    write_classifier,
    write_detector,
    write_multilabel,
    write_segmenter,
    write_series,
)

from overread.clinic.config import ClinicConfig
from overread.clinic.config_parts import Priors
from overread.clinic.kept import ARRAYS, RESULT
from overread.clinic.priors.kept import KeptPriors, write_priors
from overread.clinic.results.failure import Failure
from overread.clinic.results.objects import OBJECTS
from overread.clinic.results.view import VIEW
from overread.clinic.results.volume import VOLUME
from overread.clinic.run_folder import PICTURE, RunFacts, run_key, sops_sha256
from overread.clinic.run_steps import Predict, RunSteps
from overread.clinic.spool import Spool
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.ledger.ledger import Ledger
from overread.runtime.answer import Classes, Findings, LabelMap, Objects
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Prediction

Make = Callable[..., tuple[RunSteps, str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A run that is queued, with the files of its study in the spool."""

    def build(
        predict: Predict = predict, write: Callable[[Path], Package] = write_segmenter, **attributes: Any
    ) -> tuple[RunSteps, str]:
        package = write(tmp_path / "p.overread")
        config = ClinicConfig.model_validate(
            {
                "aet": "N",
                "folder": tmp_path / "state",
                "routes": [{"name": "r", "package": package.path}],
                "destinations": [{"name": "P", "aet": "P", "host": "127.0.0.1", "port": free_port()}],
                "delivery": {"timeout_seconds": CEILING_SECONDS},
            }
        )
        spool = Spool(config.folder / "spool")
        files = write_series(tmp_path / "in", **attributes)
        (spool.folder / "1.2.3").mkdir()
        sops = []
        for path in files:
            sops.append(path.stem)
            spool.path("1.2.3", path.stem).write_bytes(path.read_bytes())
        state, ledger = State(config.folder / "clinic.db"), Ledger.open(config.folder / "ledger.db")
        steps = RunSteps(config, {package.sha256: package}, spool, state, ledger, predict)
        key = run_key("1.2.3", sops, package.sha256)
        common = {"package_name": "p", "package_version": "1", "package_sha256": package.sha256, "route": "r"}
        facts = RunFacts(
            key, "1.2.3", tuple(sops), created="2026-01-02T03:04:05+00:00", virtual=False, **common
        )
        steps.folder(key).write_facts(facts)
        state.arrived("1.2.3", len(files), "CT", {})
        state.add_run(
            key=key,
            study_uid="1.2.3",
            created=facts.created,
            state=StudyState.QUEUED,
            sops_sha256=sops_sha256(sops),
            instances=6,
            **common,
        )
        return steps, key

    return build


def run_of(steps: RunSteps, key: str) -> Any:
    run = steps.state.run(key)
    assert run is not None
    return run


def test_steps_done_twice_end_the_same(make: Make) -> None:
    steps, key = make()
    assert steps.answer(key)
    before = {p.name: p.read_bytes() for p in steps.folder(key).folder.iterdir()}
    assert steps.answer(key)
    assert steps.write(key)
    made = {p.name: p.read_bytes() for p in steps.folder(key).objects()}
    assert set(made) == {"seg.dcm", "sr.dcm"}
    assert steps.write(key)
    assert {p.name: p.read_bytes() for p in steps.folder(key).objects()} == made
    assert {n: (steps.folder(key).folder / n).read_bytes() for n in before} == before
    assert run_of(steps, key).state is StudyState.DELIVERING
    assert dcmread(steps.folder(key).objects()[1]).ContentDate


KINDS = [
    (write_segmenter, LabelMap, "lesion found"),
    (write_classifier, Classes, "bright"),
    (write_multilabel, Findings, "bright present"),
    (write_detector, Objects, "1 nodule found"),
]


@pytest.mark.parametrize(("write", "kind", "words"), KINDS)
def test_every_kind_of_answer_survives_the_disk(
    make: Make, write: Callable[[Path], Package], kind: type, words: str
) -> None:
    told: list[Prediction] = []

    def remember(*arguments: Any) -> Prediction:
        told.append(predict(*arguments))
        return told[-1]

    steps, key = make(remember, write)
    assert steps.answer(key)
    assert steps.write(key)
    kept = steps.folder(key).result()
    assert kept is not None
    assert isinstance(kept.content, Prediction)
    assert isinstance(kept.content.answer, kind)
    assert len(kept.used) == len(kept.first) == 6
    # Arrays compare by their text, which shows all of these small ones.
    with np.printoptions(threshold=10**6):
        assert str(kept.content) == str(told[0])
    shown = run_of(steps, key).prediction
    assert shown["headline"] == words
    assert shown["lines"]
    assert shown["answer"]["kind"]
    assert steps.answer(key)
    assert len(told) == 1, "what is kept is not asked for again"
    names = {p.name for p in steps.folder(key).folder.iterdir()}
    objects = {"sr.dcm", "seg.dcm", ARRAYS} if kind is LabelMap else {"sr.dcm"}
    assert names == {"run.json", RESULT, PICTURE, VIEW, VOLUME} | objects


@pytest.mark.parametrize(
    "damage", ["{", "[]", '{"format": 9, "kind": "prediction", "used": [], "first": []}', ""]
)
def test_result_that_cannot_be_read_is_made_again(make: Make, damage: str) -> None:
    steps, key = make()
    assert steps.answer(key)
    assert steps.write(key)
    objects = {p.name: p.read_bytes() for p in steps.folder(key).objects()}
    (steps.folder(key).folder / RESULT).write_text(damage)
    assert steps.folder(key).result() is None
    # The first step was done before: the second one finds it undone.
    assert steps.write(key)
    assert steps.folder(key).result() is not None
    assert {p.name: p.read_bytes() for p in steps.folder(key).objects()} == objects


def test_lost_or_broken_mask_is_made_again(make: Make) -> None:
    steps, key = make()
    assert steps.answer(key)
    arrays = steps.folder(key).folder / ARRAYS
    arrays.write_bytes(arrays.read_bytes()[:50])
    assert steps.folder(key).result() is None
    arrays.unlink()
    assert steps.folder(key).result() is None
    assert steps.answer(key)
    assert arrays.exists()


def test_unreadable_disk_is_not_a_missing_result(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, key = make()
    assert steps.answer(key)

    def broken(*_: Any, **__: Any) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_text", broken)
    with pytest.raises(OSError, match="Input/output"):
        steps.folder(key).result()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_full_disk_and_no_memory_are_not_the_study(make: Make, error: Exception) -> None:
    def fail(*_: Any) -> Any:
        raise error

    steps, key = make(fail)
    with pytest.raises(type(error)):
        steps.answer(key)
    assert not (steps.folder(key).folder / RESULT).exists()
    steps.give_up(key, "later", again=True)
    assert run_of(steps, key).again
    assert [r.key for r in steps.state.unfinished()] == [key]


def test_what_no_memory_can_hold_is_not_tried_again(make: Make) -> None:
    def fail(*_: Any) -> Any:
        np.empty((1 << 22, 1 << 22, 1 << 10), np.float32)

    steps, key = make(fail)
    assert steps.answer(key)
    assert steps.write(key)
    run = run_of(steps, key)
    assert run.state is StudyState.FAILED and "more memory than this machine has" in run.error
    report = dcmread(steps.folder(key).objects()[0])
    assert coded(report, "Summary of Analyses") == [("DCM", "111224")]
    assert steps.state.unfinished() == []


def test_a_fault_of_the_seg_does_not_cost_the_report(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("odd geometry")

    monkeypatch.setitem(OBJECTS, "seg", fail)
    steps, key = make()
    assert steps.answer(key)
    assert steps.write(key)
    run = run_of(steps, key)
    assert (run.state, run.error) == (StudyState.FAILED, "no SEG: odd geometry")
    (path,) = steps.folder(key).objects()
    report = dcmread(path)
    assert coded(report, "Summary of Analyses") == [("DCM", "111222")]
    # The lesion is present and measured, whether or not its region could be written.
    assert coded(report, "Presence") == [("SCT", "52101004"), ("SCT", "272519000")]
    assert numbers(report)["Volume"][0] > 0
    assert "no SEG: odd geometry" in [str(i.TextValue) for i in items(report) if i.ValueType == "TEXT"]


def test_a_fault_of_the_report_does_not_cost_the_seg(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("odd words")

    monkeypatch.setitem(OBJECTS, "sr", fail)
    steps, key = make()
    assert steps.answer(key)
    assert steps.write(key)
    run = run_of(steps, key)
    assert (run.state, run.error) == (StudyState.FAILED, "no SR: odd words")
    assert [p.name for p in steps.folder(key).objects()] == ["seg.dcm"]


def test_a_fault_of_the_drawing_costs_no_result(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def fail(*_: Any) -> None:
        drawn.append(1)
        raise ZeroDivisionError("odd picture")

    monkeypatch.setattr("overread.clinic.results.view.write_view", fail)
    monkeypatch.setattr("overread.clinic.run_study.write_view", fail, raising=False)
    steps, key = make()
    assert steps.answer(key)
    result = steps.folder(key).result()
    assert result is not None and isinstance(result.content, Prediction)
    assert len(drawn) == 1


def test_images_of_two_patients_give_no_result_object(make: Make) -> None:
    steps, key = make()
    sops = steps.folder(key).facts().sops
    for sop in sops[:2]:
        path = steps.spool.path("1.2.3", sop)
        ds = dcmread(path)
        ds.PatientID = "P2"
        ds.save_as(path)
    assert steps.answer(key)
    assert not steps.write(key)
    run = run_of(steps, key)
    assert run.state is StudyState.FAILED and "2 different values of PatientID" in run.error
    assert steps.folder(key).objects() == []
    assert steps.state.unfinished() == []
    codes = [e.data["code"] for e in steps.ledger.events("clinic.failed")]
    assert codes == ["PATIENT_DIFFERS"]
    assert "P2" not in run.error


def test_any_other_error_is_told_to_the_pacs(make: Make) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("strange image")

    steps, key = make(fail)
    assert steps.answer(key)
    assert steps.write(key)
    run = run_of(steps, key)
    assert (run.state, run.error) == (StudyState.FAILED, "strange image")
    report = dcmread(steps.folder(key).objects()[0])
    assert coded(report, "Summary of Analyses") == [("DCM", "111224")]
    assert steps.state.unfinished() == []


def test_error_texts_name_no_folder_of_the_machine(make: Make, tmp_path: Path) -> None:
    steps, key = make(slices=6)
    path = steps.spool.path("1.2.3", steps.folder(key).facts().sops[2])
    ds = dcmread(path)
    ds.ImagePositionPatient[2] += 1
    ds.save_as(path)
    steps.answer(key)
    steps.write(key)
    assert str(tmp_path) not in run_of(steps, key).error
    assert "1.2.3/" in run_of(steps, key).error


def test_package_that_left_the_configuration(make: Make) -> None:
    steps, key = make()
    steps.packages.clear()
    assert not steps.answer(key)
    assert "no longer in the configuration" in run_of(steps, key).error
    assert run_of(steps, key).again


def test_destination_that_left_the_configuration(make: Make) -> None:
    steps, key = make()
    steps.answer(key)
    steps.write(key)
    steps.state.delivery(key, "OLD")
    assert steps.deliver(key, "OLD", 1) is None
    assert run_of(steps, key).state is StudyState.FAILED
    assert "no longer in the configuration" in run_of(steps, key).error


def test_delivery_waits_for_a_dead_pacs(make: Make) -> None:
    steps, key = make()
    steps.answer(key)
    steps.write(key)
    assert steps.deliver(key, "P", 1) == steps.config.delivery.retry_seconds
    run = run_of(steps, key)
    assert run.state is StudyState.DELIVERING
    assert run.deliveries[0].state is DeliveryState.WAITING
    assert "cannot be reached" in run.deliveries[0].error


def test_newer_instances_keep_their_study_receiving(make: Make) -> None:
    steps, key = make()
    steps.state.arrived("1.2.3", 7, "CT", None)
    steps.state.set_run(key, StudyState.DELIVERED)
    study = steps.state.study("1.2.3")
    assert study is not None
    assert (study.state, study.instances) == (StudyState.RECEIVING, 7)
    assert study.run is not None
    assert study.run.state is StudyState.DELIVERED


def test_mask_type_is_kept(make: Make) -> None:
    steps, key = make()
    steps.answer(key)
    kept = steps.folder(key).result()
    assert kept is not None
    assert not isinstance(kept.content, Failure)
    assert isinstance(kept.content.answer, LabelMap)
    assert kept.content.answer.mask.dtype == np.uint8
    assert kept.content.answer.mask.sum() == 36
    assert kept.content.answer.measurements[0].value == pytest.approx(0.216)


def test_priors_are_asked_for_once_where_the_route_says_so(make: Make) -> None:
    steps, key = make()
    asked: list[Any] = []

    class Fetcher:
        def fetch(self, folder: Path, rule: Priors, wanted: Any) -> KeptPriors:
            asked.append((rule.source, wanted.identity.patient_id, wanted.date))
            write_priors(folder, KeptPriors(notes=("A did not answer",)))
            return KeptPriors(notes=("A did not answer",))

    route = steps.config.routes[0].model_copy(update={"priors": Priors(source="A")})
    config = steps.config.model_copy(update={"routes": [route]})
    steps = replace(steps, config=config, fetcher=Fetcher())
    assert steps.answer(key) and steps.write(key)
    steps.folder(key).begin_again()
    assert steps.answer(key)
    assert asked == [("A", "P1", "20240102")]
    events = [json.loads(e.payload) for e in steps.ledger.events("clinic.priors")]
    assert [e["priors"] for e in events] == [[]]
