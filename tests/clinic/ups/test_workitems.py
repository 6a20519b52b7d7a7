"""Workitems: made once, claimed by one, ended by who claimed them; what a search matches."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from overread.clinic.state import State
from overread.clinic.ups.perform import STATE, TRANSACTION, Said, change, request_cancel
from overread.clinic.ups.search import search
from overread.clinic.ups.workitem import NEXT
from overread.clinic.workitem_rows import StepState, workitem_uid
from overread.errors import InputError

STUDY, UID = "1.2.3", workitem_uid("k")


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "clinic.db")
    made.arrived(STUDY, 1, "CT", {"patient_name": "M\xfcller^Eva", "patient_id": "P1", "accession": "A1"})
    assert made.add_workitem(STUDY, "k", "Read: bleeding", "finder: bleeding")
    return made


def body(wanted: str, transaction: Any = "1.2.99") -> list[dict[str, Any]]:
    return [{STATE: {"vr": "CS", "Value": [wanted]}, TRANSACTION: {"vr": "UI", "Value": [transaction]}}]


def test_a_run_has_one_workitem(state: State) -> None:
    assert not state.add_workitem(STUDY, "k", "again", "")
    change(state, UID, body("IN PROGRESS"), "RIS")
    assert not state.add_workitem(STUDY, "k", "again", ""), "whatever became of it"
    assert [(i.uid, i.state, i.performer) for i in state.workitems()] == [(UID, "IN PROGRESS", "RIS")]
    state.remove(STUDY)
    assert state.workitems() == []


def test_from_claim_to_end(state: State) -> None:
    assert change(state, UID, body("COMPLETED"), "RIS").status == 409, "nobody has claimed it"
    assert change(state, UID, body("IN PROGRESS"), "RIS") == Said(200, changed=StepState.IN_PROGRESS)
    assert change(state, UID, body("IN PROGRESS", "1.2.98"), "OTHER").status == 409
    assert change(state, UID, body("COMPLETED", "1.2.98"), "OTHER").status == 400, "it is another's"
    assert request_cancel(state, UID, None).status == 409
    assert change(state, UID, body("COMPLETED"), "RIS").status == 200
    assert "already" in change(state, UID, body("COMPLETED"), "RIS").warning
    assert change(state, UID, body("CANCELED"), "RIS").status == 409
    assert change(state, "1.2.404", body("IN PROGRESS"), "RIS").status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        "x",
        [None],
        body("DONE"),
        body("IN PROGRESS", "no uid"),
        body("IN PROGRESS", 7),
        body("IN PROGRESS", None),
        [{STATE: {"vr": "CS", "Value": ["IN PROGRESS"]}}],
        [{STATE: [], TRANSACTION: 1}],
    ],
)
def test_bodies_that_are_none(state: State, wrong: Any) -> None:
    assert change(state, UID, wrong, "RIS").status == 400
    assert state.workitems()[0].state == StepState.SCHEDULED


def test_a_scheduled_one_can_be_cancelled_by_whoever_asks(state: State) -> None:
    why = [{"00741238": {"vr": "LT", "Value": ["read already"]}}]
    assert request_cancel(state, UID, [7]).status == 400
    assert request_cancel(state, UID, why) == Said(202, changed=StepState.CANCELED)
    assert request_cancel(state, UID, None).status == 409
    told = search(state, {})[0]
    assert told["00741000"]["Value"] == ["CANCELED"]
    assert told["00741002"]["Value"][0]["00741238"]["Value"] == ["read already"]


def test_of_many_that_claim_at_once_one_has_it(state: State) -> None:
    said: list[int] = []
    start = threading.Barrier(8)

    def claim(n: int) -> None:
        start.wait()
        said.append(change(state, UID, body("IN PROGRESS", f"1.2.{n}"), f"C{n}").status)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [200] + [409] * 7


def test_no_state_is_left_but_by_the_standard() -> None:
    assert set(NEXT) == set(StepState)
    assert NEXT[StepState.SCHEDULED] == (StepState.IN_PROGRESS,)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 1),
        ({"ProcedureStepState": "SCHEDULED"}, 1),
        ({"00741000": "SCHEDULED"}, 1),
        ({"ProcedureStepState": "COMPLETED"}, 0),
        ({"ProcedureStepState": "NO STATE"}, 0),
        ({"PatientID": "P1", "AccessionNumber": "A1"}, 1),
        ({"PatientID": "P2"}, 0),
        ({"PatientName": "m\xfcller*"}, 1),
        ({"ScheduledProcedureStepPriority": "HIGH", "limit": "5", "includefield": "all"}, 1),
        ({"offset": "1"}, 0),
        ({"limit": "0"}, 0),
        ({"ScheduledProcedureStepStartDateTime": "20200101-"}, 1),
        ({"ScheduledProcedureStepStartDateTime": "-20200101"}, 0),
    ],
)
def test_search(state: State, query: dict[str, str], count: int) -> None:
    assert len(search(state, query)) == count


@pytest.mark.parametrize(
    "query", [{"PatientSex": "F"}, {"limit": "-1"}, {"0074ZZZZ": "1"}, {"offset": "\u0661"}]
)
def test_searches_that_cannot_be_understood(state: State, query: dict[str, str]) -> None:
    with pytest.raises(InputError):
        search(state, query)


def test_what_is_told_never_lets_another_end_it(state: State) -> None:
    change(state, UID, body("IN PROGRESS", "1.2.99"), "RIS")
    told = search(state, {})[0]
    assert "1.2.99" not in str(told) and TRANSACTION not in told
    assert told["00100010"]["Value"] == [{"Alphabetic": "M\xfcller^Eva"}]
    assert told["00404018"]["Value"][0]["00080100"]["Value"] == ["110005"]
