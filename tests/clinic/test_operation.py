"""Retention, alarms, logs, latency, backup: what an administrator relies on while nobody looks."""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from overread.clinic.alarms import Bell
from overread.clinic.backup import backup, restore
from overread.clinic.brief import Brief
from overread.clinic.config_destinations import Alarms, Webhook
from overread.clinic.config_parts import Disk
from overread.clinic.health import latency, metrics_text
from overread.clinic.logs import JsonLines, RateLimit
from overread.clinic.retention import clean, overdue
from overread.clinic.state import State
from overread.clinic.tables import Priority, RunRow, StudyState
from overread.errors import InputError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def add_study(state: State, uid: str, days: float, run: StudyState) -> None:
    state.arrived(uid, 1, "CT", {})
    common = {
        "package_name": "p",
        "package_version": "1",
        "package_sha256": "0",
        "route": "r",
        "sops_sha256": "0",
    }
    state.add_run(key=f"k{uid}", study_uid=uid, created="x", state=StudyState.QUEUED, instances=1, **common)
    state.set_run(f"k{uid}", run)
    when = (NOW - timedelta(days=days)).isoformat(timespec="seconds")
    state.set_study(uid, run, last_received=when)


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "clinic.db")
    for uid, days, run in (
        ("1.1", 40, StudyState.DELIVERED),
        ("1.2", 50, StudyState.DELIVERING),
        ("1.3", 60, StudyState.FAILED),
        ("1.4", 1, StudyState.DELIVERED),
        ("1.5", 45, StudyState.SHADOW),
    ):
        add_study(made, uid, days, run)
    return made


def test_nothing_undelivered_is_ever_removed(state: State) -> None:
    assert [s.study_uid for s in overdue(state.studies(), Disk(keep_days=30), NOW)] == ["1.5", "1.1"]
    gone: list[str] = []
    disk = Disk(keep_days=30, clean_gib=1e9)
    removed = clean(state.studies(), disk, NOW, free=lambda: 0, remove=gone.append)
    assert removed == gone == ["1.5", "1.1", "1.4"], "the disk is full, and yet 1.2 and 1.3 stay"
    assert clean(state.studies(), Disk(), NOW, free=lambda: 0, remove=gone.append) == []


def test_the_disk_is_cleaned_no_further_than_asked_for(state: State) -> None:
    space = iter([0, 10 << 30, 10 << 30])
    removed = clean(
        state.studies(), Disk(clean_gib=5), NOW, free=lambda: next(space), remove=lambda uid: None
    )
    assert removed == ["1.5"]


def test_urgent_studies_come_first_and_stay_so(state: State) -> None:
    assert state.raise_study("1.3", Priority.URGENT, "p: bleeding")
    assert not state.raise_study("1.3", Priority.NORMAL, "no")
    first = state.studies()[0]
    assert (first.study_uid, first.priority, first.urgent_reason) == ("1.3", Priority.URGENT, "p: bleeding")
    assert [s.study_uid for s in state.studies(limit=2, offset=1)] == ["1.4", "1.1"]
    assert (state.count(), state.count(search="1.4"), state.count(search="1_4")) == (5, 1, 0)
    assert state.count(states=(StudyState.FAILED,)) == 1


def test_an_older_database_gets_the_new_columns(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    State(path)
    with sqlite3.connect(path) as c:
        for column in ("runs", "aside", "revision", "rank", "urgent_reason", "accession"):
            c.execute(f"ALTER TABLE studies DROP COLUMN {column}")
        c.execute("INSERT INTO studies VALUES ('1.2','delivered','','','','','',0,'CT',1,'a','b','0','k','')")
    study = State(path).study("1.2")
    assert study is not None
    assert (study.priority, study.aside, study.state) == (Priority.NORMAL, (), StudyState.DELIVERED)


def test_a_bell_rings_once_again_and_when_it_is_over() -> None:
    clock = [0.0]
    bell = Bell(Alarms(repeat_seconds=100), 1.0, clock=lambda: clock[0])
    assert bell.ring({"disk": "fills"}) == ["fills"]
    clock[0] = 50.0
    assert bell.ring({"disk": "fills", "node": "stuck"}) == ["stuck"]
    clock[0] = 101.0
    assert bell.ring({"disk": "fills", "node": "stuck"}) == ["fills"]
    assert bell.ring({"node": "stuck"}) == ["over: disk"]


def test_a_receiver_of_alarms_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Webhook(kind="webhook", name="ops", url="http://192.0.2.1/", secret_file=Path("none"))
    bell, told, go_on = Bell(Alarms(to=[there]), 1.0), list[list[str]](), threading.Event()

    def hangs(self: Bell, receiver: object, lines: list[str]) -> None:
        go_on.wait()
        told.append(lines)

    monkeypatch.setattr(Bell, "_tell", hangs)
    assert bell.ring_beside({"disk": "fills"}), "and it has returned"
    assert not bell.ring_beside({"disk": "fills", "node": "stuck"})
    go_on.set()
    assert bell._ringing is not None
    bell._ringing.join()
    assert bell.ring_beside({"disk": "fills", "node": "stuck"})
    bell._ringing.join()
    assert told == [["fills"], ["stuck"]], "what was left out is told by the next"


def test_logs_are_json_without_names() -> None:
    record = logging.LogRecord(
        "a", logging.ERROR, "f", 1, "value '%s' of \x1b[31m", ("M\xfcller^Eva^^Dr",), None
    )
    line = json.loads(JsonLines().format(record))
    assert "ller" not in line["text"] and "Eva" not in line["text"] and "\x1b" not in line["text"]
    assert line["level"] == "ERROR"


def test_lines_for_a_terminal_have_no_names_and_no_texts_of_errors() -> None:
    try:
        raise ValueError("patient Doe^Jane, born 1970")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "f", 1, "study of %s", ("Doe^Jane",), sys.exc_info())
    line = Brief("%(levelname)s %(name)s: %(message)s").format(record)
    assert line == f"ERROR a: study of [name] (ValueError at {__name__}:{sys._getframe().f_lineno - 4})"


def test_a_flood_of_lines_is_cut_and_counted() -> None:
    clock = [0.0]
    limit = RateLimit(3, clock=lambda: clock[0])

    def line(number: int) -> logging.LogRecord:
        return logging.LogRecord("a", logging.ERROR, "f", number, "text", (), None)

    assert [limit.filter(line(1)) for _ in range(5)] == [True, True, True, False, False]
    assert limit.filter(line(2)), "another place in the code has its own count"
    clock[0] = 61.0
    after = line(1)
    assert limit.filter(after)
    assert after.getMessage() == "text (a line like this was left out 2 times)"


def test_latency() -> None:
    found = latency([float(x) for x in range(1, 101)])
    # Order statistics 40 and 61 of 100 hold the median with at least 95% (binomial table).
    assert (found.count, found.median, found.low, found.high) == (100, 50.5, 40.0, 61.0)
    assert found.p95 == pytest.approx(95.05)
    assert latency([]).median is None


def test_metrics_name_no_patient() -> None:
    dead: list[RunRow] = []
    text = metrics_text(
        {"delivered": 3}, {"PACS": 2}, [4.0, 40.0], free_bytes=7, trouble="", hosts=1, dead=dead
    ).decode()
    assert 'overread_studies{state="delivered"} 3.0' in text
    assert 'overread_deliveries_waiting{destination="PACS"} 2.0' in text
    assert 'overread_notification_seconds_bucket{le="5.0"} 1.0' in text
    assert "overread_up 1.0" in text


def test_a_backup_holds_all_and_comes_back(tmp_path: Path) -> None:
    node = tmp_path / "node"
    (node / "spool" / "1.2").mkdir(parents=True)
    (node / "spool" / "1.2" / "1.dcm").write_bytes(b"image")
    (node / ".lock").write_text("")
    state = State(node / "clinic.db")
    state.arrived("1.2", 1, "CT", {})
    # A writer holds a transaction open: the copy is of the moment before.
    open_still = sqlite3.connect(node / "clinic.db")
    open_still.execute(
        "INSERT INTO requests (kind, subject, detail, made, done, answer, attempts, not_before, given_up) "
        "VALUES ('a','b','','','','',0,0,0)"
    )
    assert backup(node, tmp_path / "copy") == 2
    open_still.rollback()
    open_still.close()
    with pytest.raises(InputError, match="is there already"):
        backup(node, tmp_path / "copy")
    with pytest.raises(InputError, match="is not empty"):
        restore(tmp_path / "copy", node)
    assert restore(tmp_path / "copy", tmp_path / "new") == 2
    again: Any = State(tmp_path / "new" / "clinic.db").study("1.2")
    assert again.sender == "CT"
    assert (tmp_path / "new" / "spool" / "1.2" / "1.dcm").read_bytes() == b"image"
    (tmp_path / "copy" / "backup.json").unlink()
    with pytest.raises(InputError, match="not finished"):
        restore(tmp_path / "copy", tmp_path / "newer")


def test_a_restore_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "backup.json").write_text("{}")
    (tmp_path / "copy" / "clinic.db").write_text("rows")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(OSError, match="No space"):
        restore(tmp_path / "copy", tmp_path / "node")
    assert [p.name for p in tmp_path.iterdir()] == ["copy"]
