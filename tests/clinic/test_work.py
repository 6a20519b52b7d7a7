"""The steps of a run, each by itself and each twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from tests.clinic.results.test_sr import coded
from tests.clinic.site import free_port, write_segmenter, write_series

from overread.clinic.config import ClinicConfig
from overread.clinic.record import ANSWER, Record, run_key
from overread.clinic.results.groups import Failure
from overread.clinic.spool import Spool
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.clinic.work import Predict, Work
from overread.ledger.ledger import Ledger
from overread.runtime.predict import predict

Make = Callable[..., tuple[Work, str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A run that is queued, with the files of its study in the spool."""

    def build(predict: Predict = predict, **attributes: Any) -> tuple[Work, str]:
        package = write_segmenter(tmp_path / "p.overread")
        config = ClinicConfig.model_validate(
            {
                "aet": "N",
                "folder": tmp_path / "state",
                "routes": [{"name": "r", "package": package.path}],
                "destinations": [{"name": "P", "aet": "P", "host": "127.0.0.1", "port": free_port()}],
                "delivery": {"timeout_seconds": 2},
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
        work = Work(config, {package.sha256: package}, spool, state, ledger, predict)
        key = run_key("1.2.3", sops, package.sha256)
        common = {"package_name": "p", "package_version": "1", "package_sha256": package.sha256, "route": "r"}
        record = Record(
            key, "1.2.3", tuple(sops), created="2026-01-02T03:04:05+00:00", virtual=False, **common
        )
        work.folder(key).write_record(record)
        state.arrived("1.2.3", len(files), "CT", {})
        state.add_run(
            key=key,
            study_uid="1.2.3",
            created=record.created,
            state=StudyState.QUEUED,
            sops_sha256="0",
            instances=6,
            **common,
        )
        return work, key

    return build


def run_of(work: Work, key: str) -> Any:
    run = work.state.run(key)
    assert run is not None
    return run


def test_steps_done_twice_end_the_same(make: Make) -> None:
    work, key = make()
    assert work.answer(key)
    before = {p.name: p.read_bytes() for p in work.folder(key).folder.iterdir()}
    assert work.answer(key)
    assert work.write(key)
    made = {p.name: p.read_bytes() for p in work.folder(key).objects()}
    assert set(made) == {"seg.dcm", "sr.dcm"}
    assert work.write(key)
    assert {p.name: p.read_bytes() for p in work.folder(key).objects()} == made
    assert {n: (work.folder(key).folder / n).read_bytes() for n in before} == before
    assert run_of(work, key).state is StudyState.DELIVERING
    assert dcmread(work.folder(key).objects()[1]).ContentDate


def test_answer_survives_the_disk(make: Make) -> None:
    work, key = make()
    work.answer(key)
    kept = work.folder(key).answer()
    assert not isinstance(kept.content, Failure)
    assert kept.content.mask is not None
    assert kept.content.mask.sum() == 36
    assert kept.content.measurements[0].value == pytest.approx(0.216)
    assert len(kept.used) == len(kept.first) == 6


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_full_disk_and_no_memory_are_not_the_study(make: Make, error: Exception) -> None:
    def fail(*_: Any) -> Any:
        raise error

    work, key = make(fail)
    with pytest.raises(type(error)):
        work.answer(key)
    assert not (work.folder(key).folder / ANSWER).exists()
    work.give_up(key, "later", again=True)
    assert run_of(work, key).again
    assert [r.key for r in work.state.unfinished()] == [key]


def test_any_other_error_is_told_to_the_pacs(make: Make) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("strange image")

    work, key = make(fail)
    assert work.answer(key)
    assert work.write(key)
    run = run_of(work, key)
    assert (run.state, run.error) == (StudyState.FAILED, "strange image")
    report = dcmread(work.folder(key).objects()[0])
    assert coded(report, "Summary of Analyses") == [("DCM", "111224")]
    assert work.state.unfinished() == []


def test_error_texts_name_no_folder_of_the_machine(make: Make, tmp_path: Path) -> None:
    work, key = make(slices=6)
    path = work.spool.path("1.2.3", work.folder(key).record().sops[2])
    ds = dcmread(path)
    ds.ImagePositionPatient[2] += 1
    ds.save_as(path)
    work.answer(key)
    work.write(key)
    assert str(tmp_path) not in run_of(work, key).error
    assert "1.2.3/" in run_of(work, key).error


def test_package_that_left_the_configuration(make: Make) -> None:
    work, key = make()
    work.packages.clear()
    assert not work.answer(key)
    assert "no longer in the configuration" in run_of(work, key).error
    assert run_of(work, key).again


def test_destination_that_left_the_configuration(make: Make) -> None:
    work, key = make()
    work.answer(key)
    work.write(key)
    work.state.delivery(key, "OLD")
    assert work.deliver(key, "OLD", 1) is None
    assert run_of(work, key).state is StudyState.FAILED
    assert "no longer in the configuration" in run_of(work, key).error


def test_delivery_waits_for_a_dead_pacs(make: Make) -> None:
    work, key = make()
    work.answer(key)
    work.write(key)
    assert work.deliver(key, "P", 1) == work.config.delivery.retry_seconds
    run = run_of(work, key)
    assert run.state is StudyState.DELIVERING
    assert run.deliveries[0].state is DeliveryState.WAITING
    assert "cannot be reached" in run.deliveries[0].error


def test_newer_instances_keep_their_study_receiving(make: Make) -> None:
    work, key = make()
    work.state.arrived("1.2.3", 7, "CT", None)
    work.state.set_run(key, StudyState.DELIVERED)
    study = work.state.study("1.2.3")
    assert study is not None
    assert (study.state, study.instances) == (StudyState.RECEIVING, 7)
    assert study.run is not None
    assert study.run.state is StudyState.DELIVERED


def test_mask_type_is_kept(make: Make) -> None:
    work, key = make()
    work.answer(key)
    kept = work.folder(key).answer().content
    assert not isinstance(kept, Failure)
    assert kept.mask is not None
    assert kept.mask.dtype == np.uint8
