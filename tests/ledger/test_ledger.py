from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from overread.errors import InputError, OverreadError
from overread.files import canonical_json, sha256_bytes
from overread.ledger.ledger import Ledger

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
payloads = st.dictionaries(st.text(), json_values, max_size=5)


def test_event_holds_what_was_appended(url: str) -> None:
    ledger = Ledger.open(url)
    assert ledger.head() == "0" * 64
    first = ledger.append("check", {"b": [1, 2.5, None], "a": "ä"}, actor="Jo")
    second = ledger.append("plan", {})
    assert (first.seq, second.seq) == (1, 2)
    assert first.payload == '{"a":"ä","b":[1,2.5,null]}'
    assert first.data == {"a": "ä", "b": [1, 2.5, None]}
    assert first.actor == "Jo" and second.actor
    assert datetime.fromisoformat(first.time).utcoffset().total_seconds() == 0  # type: ignore[union-attr]
    assert len(first.time) == len("2026-01-01T00:00:00.000000+00:00")
    assert second.previous == first.hash and ledger.head() == second.hash
    body = [first.seq, first.time, first.actor, first.kind, first.payload, first.previous]
    assert first.hash == sha256_bytes(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())
    assert ledger.events() == [first, second]
    assert ledger.events("plan") == [second]
    assert ledger.events("nothing") == []


def test_reopening_goes_on_with_the_same_chain(url: str) -> None:
    Ledger.open(url).append("a", {})
    Ledger.open(url).append("b", {})
    result = Ledger.open(url, create=False).verify()
    assert result.ok and result.events == 2


def test_empty_ledger_verifies(url: str) -> None:
    result = Ledger.open(url).verify()
    assert result.ok and result.events == 0 and result.head == "0" * 64


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger.open(tmp_path_factory.mktemp("ledger") / "ledger.db")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=payloads)
def test_any_json_payload_comes_back_and_verifies(shared: Ledger, payload: dict[str, object]) -> None:
    event = shared.append("any", payload)
    assert shared.events()[-1] == event
    assert canonical_json(event.data) == canonical_json(payload)
    assert shared.verify().ok


def test_postgresql_keeps_awkward_text(postgres_url: str) -> None:
    ledger = Ledger.open(postgres_url)
    payload = {"\x00nul": "\x00", "emoji": "🩻", "quote": "'; DROP TABLE ledger_events; --", "line": "\u2028"}
    ledger.append("any", payload)
    assert ledger.events()[0].data == payload
    assert ledger.verify().ok


@pytest.mark.parametrize(
    ("kind", "payload", "actor"),
    [
        ("", {}, "a"),
        ("a\nb", {}, "a"),
        ("a", {}, ""),
        ("a", {"x": float("nan")}, "a"),
        ("a", {"x": float("inf")}, "a"),
        ("a", {"x": object()}, "a"),
        ("a", ["x"], "a"),
        ("a", {"x": "\ud800"}, "a"),
    ],
)
def test_what_cannot_be_recorded_is_refused(tmp_path: Path, kind: str, payload: dict, actor: str) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db")
    with pytest.raises((ValueError, TypeError)):
        ledger.append(kind, payload, actor)
    assert ledger.events() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_events SET actor = 'other' WHERE seq = 2",
        "DELETE FROM ledger_events WHERE seq = 7",
        "DELETE FROM ledger_events",
        "UPDATE ledger_head SET count = 3",
        "UPDATE ledger_head SET count = count + 1, hash = 'x'",
        "DELETE FROM ledger_head",
        "INSERT INTO ledger_head VALUES (2, 0, 'x')",
        "INSERT INTO ledger_events VALUES (8, 't', 'a', 'k', '{}', 'wrong link', 'h')",
        "INSERT INTO ledger_events SELECT 9, time, actor, kind, payload, hash, 'h' FROM ledger_events "
        "WHERE seq = 7",
    ],
)
def test_the_database_refuses_every_change(filled: Ledger, url: str, statement: str) -> None:
    with pytest.raises(DBAPIError, match="ledger: "), create_engine(url).begin() as connection:
        connection.execute(text(statement))
    assert filled.verify().ok and len(filled.events()) == 7


def test_sqlite_refuses_replace(tmp_path: Path) -> None:
    """REPLACE deletes without firing delete triggers."""
    ledger = Ledger.open(tmp_path / "ledger.db")
    ledger.append("a", {})
    raw = sqlite3.connect(tmp_path / "ledger.db")
    row = "seq, time, 'x', kind, payload, previous, hash"
    with pytest.raises(sqlite3.IntegrityError, match="ledger: "):
        raw.execute(f"REPLACE INTO ledger_events SELECT {row} FROM ledger_events")
    raw.close()
    assert ledger.verify().ok


def test_postgresql_refuses_truncate(postgres_url: str) -> None:
    ledger = Ledger.open(postgres_url)
    ledger.append("a", {})
    for table in ("ledger_events", "ledger_head"):
        with pytest.raises(DBAPIError, match="ledger: "), create_engine(postgres_url).begin() as connection:
            connection.execute(text(f"TRUNCATE {table}"))
    assert ledger.verify().events == 1


APPEND = """
import sys
from overread.ledger.ledger import Ledger
ledger = Ledger.open(sys.argv[1])
for number in range(int(sys.argv[2])):
    print(ledger.append("work", {"worker": sys.argv[3], "number": number}).hash, flush=True)
"""


def _appender(url: str, times: int, worker: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", APPEND, url, str(times), str(worker)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_share_one_chain(url: str) -> None:
    """Four processes also race to make the ledger."""
    processes = [_appender(url, 25, worker) for worker in range(4)]
    answers = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    ledger = Ledger.open(url, create=False)
    result = ledger.verify()
    assert result.ok and result.events == 100
    for worker in range(4):
        mine = [event.data["number"] for event in ledger.events() if event.data["worker"] == str(worker)]
        assert mine == list(range(25))
    printed = {line for out, _ in answers for line in out.split()}
    assert printed == {event.hash for event in ledger.events()}


def test_threads_share_one_chain(url: str) -> None:
    ledger = Ledger.open(url)
    with ThreadPoolExecutor(8) as pool:
        events = list(pool.map(lambda number: ledger.append("thread", {"number": number}), range(40)))
    assert sorted(event.seq for event in events) == list(range(1, 41))
    assert ledger.verify().ok


def test_kill_9_leaves_whole_events_only(url: str) -> None:
    acknowledged: list[str] = []
    for round_ in range(3):
        process = _appender(url, 100_000, round_)
        assert process.stdout is not None
        acknowledged.append(process.stdout.readline().strip())
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
        acknowledged += [line for line in process.communicate()[0].split("\n") if len(line) == 64]
    ledger = Ledger.open(url, create=False)
    result = ledger.verify()
    assert result.ok, result
    assert set(acknowledged) <= {event.hash for event in ledger.events()}
    assert result.events >= len(acknowledged) > 3
    assert ledger.append("after", {}).seq == result.events + 1


def test_durable_settings(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db")
    with ledger._transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_store_keeps_a_file_under_its_hash(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db")
    (tmp_path / "report.json").write_bytes(b"content")
    digest = ledger.store(tmp_path / "report.json")
    assert digest == ledger.store(tmp_path / "report.json") == sha256_bytes(b"content")
    stored = tmp_path / "artefacts" / digest[:2] / digest
    assert stored.read_bytes() == b"content"
    stored.write_bytes(b"damaged")
    ledger.store(tmp_path / "report.json")
    assert stored.read_bytes() == b"content"
    with pytest.raises(InputError, match="absent"):
        ledger.store(tmp_path / "absent")


def test_store_needs_a_folder(postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OverreadError, match="SQLite"):
        Ledger.open(postgres_url).store(tmp_path / "file")


def test_opening_what_is_not_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("These are notes and not a database at all. " * 100)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)").connection.close()
    before = sorted(tmp_path.iterdir())
    for create in (True, False):
        with pytest.raises(InputError, match="not a database"):
            Ledger.open(tmp_path / "notes.txt", create=create)
    with pytest.raises(InputError, match="holds no ledger"):
        Ledger.open(tmp_path / "other.db", create=False)
    with pytest.raises(InputError, match="no such ledger"):
        Ledger.open(tmp_path / "absent.db", create=False)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("url", ["mysql://u@h/d", "nonsense://x", "sqlite://", "sqlite:///:memory:", "://"])
def test_unknown_databases_are_refused(url: str) -> None:
    with pytest.raises(InputError):
        Ledger.open(url)


def test_no_server_is_an_input_error_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(InputError) as caught:
        Ledger.open(f"postgresql+psycopg://u:secret@/d?host={tmp_path}")
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_no_append_after_the_head_is_gone(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db")
    ledger.append("a", {})
    raw = sqlite3.connect(tmp_path / "ledger.db")
    raw.executescript("DROP TRIGGER ledger_head_no_delete; DELETE FROM ledger_head;")
    raw.close()
    for attempt in (ledger, Ledger.open(tmp_path / "ledger.db")):
        with pytest.raises(OverreadError, match="head is missing"):
            attempt.append("b", {})


def test_postgresql_role_that_can_write_but_not_drop_triggers(postgres_url: str) -> None:
    """The two grants that the documentation names are enough to append, and not enough to tamper."""
    owner = Ledger.open(postgres_url)
    with create_engine(postgres_url).begin() as connection:
        connection.execute(text("CREATE ROLE writer LOGIN"))
        connection.execute(text("GRANT SELECT, INSERT ON ledger_events TO writer"))
        connection.execute(text("GRANT SELECT, UPDATE ON ledger_head TO writer"))
    as_writer = postgres_url.replace("//tester@", "//writer@")
    Ledger.open(as_writer).append("a", {})
    assert owner.verify().events == 1
    for statement in ("DROP TRIGGER ledger_events_fixed ON ledger_events", "DELETE FROM ledger_events"):
        with (
            pytest.raises(DBAPIError, match=r"owner|permission"),
            create_engine(as_writer).begin() as connection,
        ):
            connection.execute(text(statement))
