"""The node's database takes whatever stands in headers and titles."""

from __future__ import annotations

from pathlib import Path

from overread.clinic.records.store import storable
from overread.clinic.state import State


def test_characters_that_databases_refuse_hold_up_no_study(tmp_path: Path) -> None:
    state = State(tmp_path / "clinic.db")
    columns = {"patient_name": "M\udce4x^\u5c71\u7530", "patient_id": "a\0b"}
    assert state.arrived("1.2", 1, "CT\0 1", columns)
    study = state.study("1.2")
    assert study is not None
    assert (study.sender, study.patient_id, study.patient_name) == ("CT 1", "ab", "M?x^\u5c71\u7530")
    assert [s.study_uid for s in state.studies(search="\0a")] == ["1.2"]


def test_everything_else_is_kept_as_it_is() -> None:
    for value in ("", "M\xfcller", b"a\0b", 1, None):
        assert storable(value) is value or storable(value) == value
