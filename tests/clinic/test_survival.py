"""Steps of a run while the processes that do them hang, grow or fall over; without any process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.clinic.results.content import coded
from tests.clinic.test_run_steps import Make, make, run_of

from overread.clinic import workflow
from overread.clinic.aside import KILLS, AsideBook
from overread.clinic.child.process import ChildDiedError, ChildTooLargeError, ChildTooSlowError, StoppingError
from overread.clinic.completeness import Arrival
from overread.clinic.intake import Intake
from overread.clinic.look import Marks, look
from overread.clinic.operate import Desk, Operate
from overread.clinic.run_steps import NODE_DEATHS, RunSteps
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.errors import InputError

__all__ = ["make"]


class Falling:
    """Stands for child processes: raises what it is told, then does the job."""

    def __init__(self, steps: RunSteps, *errors: BaseException, every: bool = False) -> None:
        self.bench, self.errors, self.every, self.asked = steps.bench, list(errors), every, 0

    def run(self, job: dict[str, Any], route: Any) -> dict[str, Any]:
        self.asked += 1
        if self.errors and job["do"] == "answer":
            raise self.errors[0] if self.every else self.errors.pop(0)
        return {"value": getattr(self.bench, job["do"])(job["key"])}


def falling(steps: RunSteps, *errors: BaseException, every: bool = False) -> Falling:
    made = Falling(steps, *errors, every=every)
    object.__setattr__(steps, "children", made)
    return made


def failure_of(steps: RunSteps, key: str) -> str:
    assert steps.answer(key)
    assert steps.write(key)
    run = run_of(steps, key)
    assert run.state is StudyState.FAILED
    from pydicom import dcmread

    report = dcmread(steps.folder(key).objects()[0])
    assert coded(report, "Summary of Analyses") == [("DCM", "111224")], "the PACS is told"
    result = steps.folder(key).result()
    assert result is not None
    return str(result.content.code)  # type: ignore[union-attr]


def test_two_deaths_are_survived(make: Make) -> None:
    steps, key = make()
    children = falling(steps, ChildDiedError("its process was ended by SIGSEGV"), ChildDiedError("again"))
    assert steps.answer(key)
    assert children.asked == 3
    assert run_of(steps, key).state is StudyState.RUNNING
    assert steps.folder(key).deaths("child") == 0


@pytest.mark.parametrize(
    ("error", "code", "asked"),
    [
        (ChildDiedError("its process was ended by SIGSEGV"), "CRASHED", 3),
        (ChildTooSlowError("took longer than 5 s"), "TOO_LONG", 1),
        (ChildTooLargeError("took more memory than 1.00 GiB"), "TOO_LARGE", 1),
    ],
)
def test_what_cannot_be_done_is_answered_with_the_reason(
    make: Make, error: Exception, code: str, asked: int
) -> None:
    steps, key = make()
    children = falling(steps, error, every=True)
    assert failure_of(steps, key) == code
    assert children.asked - 1 == asked
    assert steps.state.unfinished() == []


def test_deaths_of_the_node_are_counted_on_disk_and_it_stops_trying(make: Make) -> None:
    """Killed over one study time and again, without ever reaching the end of the step."""
    steps, key = make()
    limit = NODE_DEATHS * steps.config.work.deaths
    falling(steps, *[KeyboardInterrupt()], every=True)
    for _ in range(limit):
        with pytest.raises(KeyboardInterrupt):
            steps.answer(key)
    assert failure_of(steps, key) == "CRASHED"


def test_a_stopping_node_takes_nothing_for_a_fault_of_the_study(make: Make) -> None:
    steps, key = make()
    falling(steps, StoppingError("the node stops"))
    with pytest.raises(StoppingError):
        steps.answer(key)
    assert steps.folder(key).result() is None
    assert steps.folder(key).deaths("node") == 0
    assert run_of(steps, key).state is StudyState.RUNNING
    assert steps.answer(key)


def test_replay_in_place_while_nothing_has_gone_out_and_as_a_new_run_after(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[str] = []
    monkeypatch.setattr(workflow, "start_analysis", lambda key, *_, **__: queued.append(key))
    monkeypatch.setattr(workflow, "next_attempt", lambda key: 2)
    steps, key = make()
    falling(steps, ChildTooSlowError("took longer than 5 s"))
    assert failure_of(steps, key) == "TOO_LONG"
    desk, operate = Desk(steps, Intake(steps, {}, lambda job: {})), Operate(steps.state)
    number = operate.retry(key)
    desk.work()
    assert steps.state.request(number).answer == f"run {key}"  # type: ignore[union-attr]
    assert (queued, steps.folder(key).objects(), steps.folder(key).result()) == ([key], [], None)
    assert steps.answer(key) and steps.write(key)
    steps.state.delivery(key, "P")
    steps.state.set_delivery(key, "P", DeliveryState.DELIVERED, objects={"sr.dcm": "delivered"})
    steps.settle(key)
    operate.retry(key)
    desk.work()
    new = queued[-1]
    assert new != key and steps.folder(new).facts().predecessor == key
    study = steps.state.study("1.2.3")
    assert study is not None and study.run is not None
    assert (study.run.key, study.state) == (new, StudyState.QUEUED)
    assert steps.answer(new) and steps.write(new)
    from pydicom import dcmread

    reports = [dcmread(steps.folder(k).folder / "sr.dcm") for k in (key, new)]
    named = reports[1].PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert named.ReferencedSOPInstanceUID == reports[0].SOPInstanceUID != reports[1].SOPInstanceUID
    with pytest.raises(InputError, match="no such run"):
        operate.retry("f" * 32)


def delivered(steps: RunSteps, key: str) -> None:
    assert steps.answer(key) and steps.write(key)
    steps.state.delivery(key, "P")
    steps.state.set_delivery(key, "P", DeliveryState.DELIVERED, objects={"sr.dcm": "delivered"})
    steps.settle(key)


def test_a_request_that_the_node_ends_over_is_done_again_and_makes_one_run(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, key = make()
    intake, queued = taken_in(steps, monkeypatch)
    delivered(steps, key)
    Operate(steps.state).retry(key)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(State, "answer", killed)
        with pytest.raises(KeyboardInterrupt):
            Desk(steps, intake).work()
    Desk(steps, intake).work()
    assert len(steps.state.runs_of("1.2.3")) == 2
    assert len(set(queued)) == 1


def test_a_study_that_is_answered_again_as_asked_is_not_superseded_by_its_first_answer(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, key = make()
    intake, queued = taken_in(steps, monkeypatch)
    delivered(steps, key)
    steps.state.set_study("1.2.3", StudyState.DELIVERED, run=key, runs=[key])
    for _ in range(2):
        Operate(steps.state).rerun("1.2.3")
        Desk(steps, intake).work()
        intake.complete(ARRIVAL)
        study = steps.state.study("1.2.3")
        assert study is not None and study.run is not None
        assert (study.run.key, study.run.state) == (queued[-1], StudyState.QUEUED)
        delivered(steps, queued[-1])
    assert len(set(queued)) == 2


def test_a_report_names_one_that_was_being_sent_when_late_images_came(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, key = make()
    intake, queued = taken_in(steps, monkeypatch)
    steps.answer(key), steps.write(key)
    steps.destinations(key)
    steps.state.set_study("1.2.3", StudyState.QUEUED)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr("overread.clinic.deliver.send_to", killed)
        with pytest.raises(KeyboardInterrupt):
            steps.deliver(key, "P", 1)
    steps.spool.path("1.2.3", "1.2.3.1.6").unlink()
    intake.complete(ARRIVAL)
    assert steps.folder(queued[-1]).facts().predecessor == key
    assert run_of(steps, key).state is StudyState.DELIVERING


def test_deleting_leaves_nothing_but_the_evidence(make: Make) -> None:
    steps, key = make()
    desk = Desk(steps, Intake(steps, {}, lambda job: {}))
    Operate(steps.state).delete("1.2.3")
    desk.work()
    assert steps.spool.instances("1.2.3"), "it is being worked on"
    steps.answer(key), steps.write(key)
    steps.state.delivery(key, "P")
    steps.state.set_delivery(key, "P", DeliveryState.DELIVERED)
    steps.settle(key)
    Operate(steps.state).delete("1.2.3")
    desk.work()
    assert steps.spool.instances("1.2.3") == []
    assert steps.state.study("1.2.3") is None
    assert not steps.folder(key).folder.exists()
    assert [e.data["study"] for e in steps.ledger.events("clinic.deleted")] == [
        steps.pseudonyms.name("1.2.3")
    ]


def taken_in(
    steps: RunSteps, monkeypatch: pytest.MonkeyPatch, look_at: Any = None
) -> tuple[Intake, list[str]]:
    queued: list[str] = []
    monkeypatch.setattr(workflow, "start_analysis", lambda key, *_, **__: queued.append(key))
    packages = {r.name: next(iter(steps.packages.values())) for r in steps.config.routes}

    def real(job: dict[str, Any]) -> dict[str, Any]:
        marks = Marks(Path(job["marks"])) if job["marks"] else None
        return {
            "value": look([Path(f) for f in job["files"]], steps.config.routes, set(job["skip"]), marks=marks)
        }

    return Intake(steps, packages, look_at or real), queued


ARRIVAL = Arrival("1.2.3", 0.0, 1.0, "CT")


def test_a_late_image_makes_a_revision_and_what_never_went_out_is_superseded(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, first = make()
    intake, queued = taken_in(steps, monkeypatch)
    steps.answer(first), steps.write(first)
    steps.state.delivery(first, "P")
    extra = steps.spool.path("1.2.3", "1.2.3.1.6")
    kept = extra.read_bytes()
    extra.unlink()
    intake.complete(ARRIVAL)
    second = queued[-1]
    assert run_of(steps, first).state is StudyState.SUPERSEDED
    assert steps.folder(second).facts().predecessor == ""
    steps.state.set_run(first, StudyState.DELIVERING)
    assert run_of(steps, first).state is StudyState.SUPERSEDED, (
        "whoever still works on it does not bring it back"
    )
    steps.answer(second), steps.write(second)
    steps.state.delivery(second, "P")
    # While newer images come in, nothing goes out.
    steps.state.arrived("1.2.3", 6, "CT", None)
    assert steps.deliver(second, "P", 1) == steps.config.quiet_seconds
    assert steps.state.delivery(second, "P").attempts == 0
    steps.state.set_delivery(second, "P", DeliveryState.DELIVERED, objects={"sr.dcm": "delivered"})
    extra.write_bytes(kept)
    (steps.folder(first).folder / "run.json").unlink()
    extra.with_name("1.2.3.1.5.dcm").unlink()
    intake._seen.clear()
    intake.complete(ARRIVAL)
    third = queued[-1]
    assert steps.folder(third).facts().predecessor == second


def test_a_node_that_ends_between_the_runs_of_a_study_takes_it_up_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the packages that were still to come would never answer it."""
    steps, _ = make()
    intake, _ = taken_in(steps, monkeypatch)
    steps.spool.path("1.2.3", "1.2.3.1.6").unlink()
    steps.state.arrived("1.2.3", 5, "CT", None)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(State, "set_study", killed)
        with pytest.raises(KeyboardInterrupt):
            intake.complete(ARRIVAL)
    assert len(steps.state.runs_of("1.2.3")) == 2
    following, _ = taken_in(steps, monkeypatch)
    following.take_up("1.2.3")
    assert "1.2.3" in following.arrivals
    following.complete(ARRIVAL)
    study = steps.state.study("1.2.3")
    assert study is not None and study.state is StudyState.QUEUED
    assert len(steps.state.runs_of("1.2.3")) == 2


def test_one_damaged_header_costs_itself_only(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, _ = make()
    intake, queued = taken_in(steps, monkeypatch)
    steps.spool.path("1.2.3", "1.2.3.1.6").write_bytes(b"")
    intake.complete(ARRIVAL)
    facts = steps.folder(queued[-1]).facts()
    assert "1.2.3.1.6" not in facts.sops and len(facts.sops) == 5
    assert facts.notes == ("1 of 6 objects of the study were set aside unread",)
    study = steps.state.study("1.2.3")
    assert study is not None and [(a.sop, a.code) for a in study.aside] == [("1.2.3.1.6", "UNREADABLE")]
    assert str(steps.config.folder) not in study.aside[0].text
    for path in (steps.spool.folder / "1.2.3").iterdir():
        path.write_bytes(b"")
    intake._seen.clear()
    intake.complete(ARRIVAL)
    study = steps.state.study("1.2.3")
    assert study is not None and study.state is StudyState.FAILED
    assert "cannot be read" in study.error


def test_what_ends_the_reading_process_is_set_aside(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, _ = make()
    killer = "1.2.3.1.4"

    def deadly(job: dict[str, Any]) -> dict[str, Any]:
        marks = Marks(Path(job["marks"]))
        for file in map(Path, job["files"]):
            marks.at(file.stem)
            if file.stem == killer:
                raise ChildDiedError("its process was ended by SIGSEGV")
        marks.clear()
        return {"value": look([Path(f) for f in job["files"]], steps.config.routes, set())}

    intake, queued = taken_in(steps, monkeypatch, deadly)
    for _ in range(steps.config.work.deaths):
        with pytest.raises(ChildDiedError, match=killer):
            intake.complete(ARRIVAL)
    intake.complete(ARRIVAL)
    assert killer not in steps.folder(queued[-1]).facts().sops
    study = steps.state.study("1.2.3")
    assert study is not None and [(a.sop, a.code) for a in study.aside] == [(killer, KILLS)]


def test_a_pattern_that_never_ends_is_given_up(tmp_path: Path) -> None:
    book = AsideBook(tmp_path)
    for _ in range(3):
        Marks(book.marks("1.2")).at("route slow")
        assert book.died("1.2", 3, "took longer than 600 s") == "route slow"
    assert (book.routes("1.2"), book.objects("1.2")) == (["slow"], [])
    assert book.died("1.2", 3, "x") == ""
    book.forget("1.2")
    assert book.routes("1.2") == []
