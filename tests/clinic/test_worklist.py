"""The reading list as a DICOM worklist: urgent first, and only what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from overread.clinic.state import State
from overread.clinic.tables import Priority, StudyState
from overread.clinic.worklist import answers, in_range, matches


def asked(state: State, step: dict[str, str] | None = None, **keys: str) -> list[str]:
    query = Dataset()
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    inner = Dataset()
    for keyword, value in (step or {}).items():
        setattr(inner, keyword, value)
    query.ScheduledProcedureStepSequence = [inner]
    return [str(a.StudyInstanceUID) for a in answers(state, query)]


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "clinic.db")
    for uid, name, modality in (
        ("1.1", "M\xfcller^Eva", "CT"),
        ("1.2", "Smith^A", "MR"),
        ("1.3", "Smith^B", "MR"),
    ):
        columns = {
            "patient_name": name,
            "patient_id": f"P{uid}",
            "modalities": modality,
            "accession": f"A{uid}",
        }
        made.arrived(uid, 1, "CT", columns)
        made.set_study(uid, StudyState.DELIVERED, last_received=f"2026-03-0{uid[-1]}T10:20:30+00:00")
    made.raise_study("1.2", Priority.URGENT, "finder: bleeding")
    return made


def test_urgent_first_then_the_latest(state: State) -> None:
    assert asked(state) == ["1.2", "1.3", "1.1"]
    first = next(answers(state, Dataset()))
    assert (first.RequestedProcedurePriority, first.RequestedProcedureComments) == (
        "STAT",
        "finder: bleeding",
    )
    assert first.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime == "102030"


def test_keys(state: State) -> None:
    assert asked(state, PatientName="smith*") == ["1.2", "1.3"]
    assert asked(state, PatientName="M\xfcller^E?a") == ["1.1"]
    assert asked(state, AccessionNumber="A1.3") == ["1.3"]
    assert asked(state, {"Modality": "CT"}) == ["1.1"]
    assert asked(state, {"ScheduledProcedureStepStartDate": "20260302-"}) == ["1.2", "1.3"]
    assert asked(state, StudyInstanceUID="1.9") == []


def test_matching() -> None:
    assert matches("", "x") and matches("*", "") and matches("a.c", "A.C")
    assert not matches("a.c", "abc")
    assert matches("*" * 60 + "b", "a" * 200 + "b"), "and it ends at once"
    assert not matches("*a" * 32, "a" * 30 + "b" * 226), "and so does what does not fit"
    assert matches("*a?c*", "xxabcxabd") and not matches("*a?c", "xxabcx") and not matches("a?", "a")
    assert [
        in_range(r, "20260302")
        for r in ("20260302", "20260303", "-20260302", "20260301-20260302", "20260303-")
    ] == [
        True,
        False,
        True,
        True,
        False,
    ]
