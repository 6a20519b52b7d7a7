"""Drafts of adverse event reports: clocks, blocks, and what stays out of the ledger."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.regulatory.made_up import made_up_run

from overread.errors import InputError
from overread.ledger.ledger import Ledger
from overread.regulatory.events.clock import due, federal_holidays
from overread.regulatory.events.report import AdverseEvent, event_command, rows_of
from overread.regulatory.finished import read_finished


def test_holidays_of_a_year() -> None:
    """Of 2026, as the Office of Personnel Management lists them; 4 July is a Saturday, kept on Friday."""
    days = ["01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-11", "11-26", "12-25"]
    assert federal_holidays(2026) == {date.fromisoformat(f"2026-{d}") for d in days}


@pytest.mark.parametrize(
    ("aware", "five_day", "expected"),
    [
        ("2026-11-02", False, "2026-12-02"),
        # Monday; the five work days after it end on the Monday after, Veterans Day being none.
        ("2026-11-09", True, "2026-11-17"),
        # Over Thanksgiving and a weekend.
        ("2026-11-25", True, "2026-12-03"),
        # New Year's Day of 2028 is a Saturday, kept on Friday 31 December 2027.
        ("2027-12-29", True, "2028-01-06"),
    ],
)
def test_due_days(aware: str, five_day: bool, expected: str) -> None:
    assert due(date.fromisoformat(aware), five_day=five_day) == date.fromisoformat(expected)


def _event(**changes: object) -> AdverseEvent:
    base: dict[str, object] = {
        "number": "1234567-2026-00001",
        "aware": "2026-11-09",
        "happened": "2026-11-05",
        "kind": "product problem",
        "reportable": "malfunction",
        "patient": "S-17",
        "narrative": "A pneumonia was missed.",
        "score": 0.31,
    }
    return AdverseEvent.model_validate(base | changes)


def test_the_narrative_holds_what_an_ai_needs(tmp_path: Path) -> None:
    run = read_finished(made_up_run(tmp_path / "run"))
    rows = {field: text for _, field, text in rows_of(_event(), run)}
    assert run.manifest.sha256 in rows["description"]
    assert "pneumonia 0.5" in rows["description"]
    assert "Score of this case: 0.3100" in rows["description"]
    assert rows["type of report"] == "30-day, initial"
    assert rows["remedial action"] == ""


def test_a_form_is_written_first_and_then_read(tmp_path: Path) -> None:
    folder, path = made_up_run(tmp_path / "run"), tmp_path / "event.yaml"
    event_command(folder, path, out=None)
    event_command(folder, path, out=tmp_path / "e.html", today=date(2026, 1, 2))
    assert "2026-01-31" in (tmp_path / "e.html").read_text()
    assert "to be written" in (tmp_path / "e.html").read_text()


def test_no_patient_goes_into_the_ledger(tmp_path: Path) -> None:
    import yaml

    folder, path = made_up_run(tmp_path / "run"), tmp_path / "event.yaml"
    path.write_text(yaml.safe_dump(_event(remedial=True).model_dump(mode="json")))
    event_command(folder, path, out=None, today=date(2026, 11, 10))
    (event,) = Ledger.open(folder / "ledger.db").events("event.drafted")
    assert event.data["due"] == "2026-11-17"
    assert "S-17" not in event.payload and "missed" not in event.payload


def test_fields_nobody_knows_are_refused(tmp_path: Path) -> None:
    folder, path = made_up_run(tmp_path / "run"), tmp_path / "event.yaml"
    path.write_text("number: '1'\naware: 2026-01-01\nhappened: 2026-01-01\nkind: luck\nreportable: death\n")
    with pytest.raises(InputError, match="kind"):
        event_command(folder, path, out=None)
