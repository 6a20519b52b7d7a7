"""Every way of tampering, by somebody who may drop triggers and constraints: found, and named rightly."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.ledger.ledger import Ledger
from overread.ledger.schema import GENESIS, event_hash
from overread.ledger.verify import Row, Verification, verify_rows

COUNT = 7
FIELDS = ["time", "actor", "kind", "payload", "previous", "hash"]


def _open_wide(file: Path) -> sqlite3.Connection:
    """The same rows in tables without triggers, keys or types."""
    raw = sqlite3.connect(file, isolation_level=None)
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    for table in ("ledger_events", "ledger_head"):
        raw.execute(f"CREATE TABLE copy AS SELECT * FROM {table}")
        raw.execute(f"DROP TABLE {table}")
        raw.execute(f"ALTER TABLE copy RENAME TO {table}")
    return raw


def _verify_after(folder: Path, *statements: str) -> Verification:
    ledger = Ledger.open(folder / "ledger.db")
    for number in range(COUNT):
        ledger.append("train", {"epoch": number}, actor="tester")
    raw = _open_wide(folder / "ledger.db")
    assert ledger.verify().ok
    for statement in statements:
        assert raw.execute(statement).rowcount, statement
    raw.close()
    return ledger.verify()


def _renumber(first: int, by: int) -> str:
    return f"UPDATE ledger_events SET seq = seq + {by} WHERE seq >= {first}"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("row", [1, 4, COUNT])
def test_altered_field(tmp_path: Path, field: str, row: int) -> None:
    result = _verify_after(tmp_path, f"UPDATE ledger_events SET {field} = {field} || ' ' WHERE seq = {row}")
    assert (result.ok, result.row, result.fault) == (False, row, "altered")
    assert f"row {row} was altered" in str(result)


@pytest.mark.parametrize("value", ["NULL", "7", "2.5", "x'ff00'", "CAST(x'edb3bf' AS TEXT)"])
def test_altered_type(tmp_path: Path, value: str) -> None:
    result = _verify_after(tmp_path, f"UPDATE ledger_events SET payload = {value} WHERE seq = 3")
    assert (result.row, result.fault) == (3, "altered")


@pytest.mark.parametrize("row", [1, 4, COUNT])
def test_removed_row(tmp_path: Path, row: int) -> None:
    result = _verify_after(tmp_path, f"DELETE FROM ledger_events WHERE seq = {row}")
    assert (result.row, result.fault) == (row, "removed")


@pytest.mark.parametrize("row", [1, 4])
def test_removed_row_and_renumbered(tmp_path: Path, row: int) -> None:
    result = _verify_after(tmp_path, f"DELETE FROM ledger_events WHERE seq = {row}", _renumber(row, -1))
    assert (result.row, result.fault) == (row, "removed")


def test_removed_everything(tmp_path: Path) -> None:
    result = _verify_after(tmp_path, "DELETE FROM ledger_events")
    assert (result.row, result.fault) == (1, "removed")
    assert "rows 1 to 7 were removed" in result.detail


def test_removed_last_three(tmp_path: Path) -> None:
    result = _verify_after(tmp_path, "DELETE FROM ledger_events WHERE seq >= 5")
    assert (result.row, result.fault) == (5, "removed")


@pytest.mark.parametrize(("a", "b"), [(1, 2), (3, 5), (6, 7), (1, 7)])
def test_swapped_rows(tmp_path: Path, a: int, b: int) -> None:
    result = _verify_after(
        tmp_path,
        f"UPDATE ledger_events SET seq = CASE seq WHEN {a} THEN {b} ELSE {a} END WHERE seq IN ({a}, {b})",
    )
    assert (result.row, result.fault) == (a, "reordered")
    assert f"was written as row {b}" in result.detail


@pytest.mark.parametrize("row", [1, 4, COUNT])
def test_inserted_copy(tmp_path: Path, row: int) -> None:
    """A copy of a row right after it, the later ones renumbered."""
    result = _verify_after(
        tmp_path,
        _renumber(row + 1, 1) if row < COUNT else "UPDATE ledger_head SET count = count",
        f"INSERT INTO ledger_events SELECT seq + 1, time, actor, kind, payload, previous, hash "
        f"FROM ledger_events WHERE seq = {row}",
    )
    assert (result.row, result.fault) == (row + 1, "inserted")


@pytest.mark.parametrize("row", [1, 4, COUNT])
def test_inserted_with_a_sound_hash(tmp_path: Path, row: int) -> None:
    """Somebody who knows the hash rule makes a new row that fits before row ``row``."""
    ledger = Ledger.open(tmp_path / "ledger.db")
    for number in range(COUNT):
        ledger.append("train", {"epoch": number}, actor="tester")
    events = ledger.events()
    previous = events[row - 2].hash if row > 1 else GENESIS
    values = (row, events[row - 1].time, "intruder", "train", "{}", previous)
    raw = _open_wide(tmp_path / "ledger.db")
    raw.execute(_renumber(row, 1))
    raw.execute("INSERT INTO ledger_events VALUES (?,?,?,?,?,?,?)", (*values, event_hash(*values)))
    raw.close()
    result = ledger.verify()
    assert (result.row, result.fault) == (row, "inserted")


@pytest.mark.parametrize("row", [1, 4, COUNT])
def test_altered_and_hash_made_anew(tmp_path: Path, row: int) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db")
    for number in range(COUNT):
        ledger.append("train", {"epoch": number}, actor="tester")
    event = ledger.events()[row - 1]
    digest = event_hash(row, event.time, "intruder", event.kind, event.payload, event.previous)
    raw = _open_wide(tmp_path / "ledger.db")
    raw.execute("UPDATE ledger_events SET actor = 'intruder', hash = ? WHERE seq = ?", (digest, row))
    raw.close()
    result = ledger.verify()
    assert (result.row, result.fault) == (row, "altered")


@pytest.mark.parametrize("row", [1, 4, COUNT])
def test_link_cut_and_hash_made_anew(tmp_path: Path, row: int) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db")
    for number in range(COUNT):
        ledger.append("train", {"epoch": number}, actor="tester")
    event = ledger.events()[row - 1]
    digest = event_hash(row, event.time, event.actor, event.kind, event.payload, "f" * 64)
    raw = _open_wide(tmp_path / "ledger.db")
    raw.execute("UPDATE ledger_events SET previous = ?, hash = ? WHERE seq = ?", ("f" * 64, digest, row))
    raw.close()
    result = ledger.verify()
    assert (result.row, result.fault) == (row, "altered")


@pytest.mark.parametrize(
    ("statement", "row", "fault"),
    [
        ("DELETE FROM ledger_head", None, "head"),
        ("INSERT INTO ledger_head SELECT * FROM ledger_head", None, "head"),
        ("UPDATE ledger_head SET count = 9", 8, "removed"),
        ("UPDATE ledger_head SET count = 5", 6, "inserted"),
        ("UPDATE ledger_head SET count = 'x'", 1, "inserted"),
        ("UPDATE ledger_head SET hash = 'x'", 7, "altered"),
        ("UPDATE ledger_events SET seq = 3 WHERE seq = 4", 4, "inserted"),
        ("UPDATE ledger_events SET seq = 0 WHERE seq = 1", 1, "inserted"),
        ("UPDATE ledger_events SET seq = 99 WHERE seq = 7", 7, "removed"),
    ],
)
def test_numbers_and_head(tmp_path: Path, statement: str, row: int | None, fault: str) -> None:
    result = _verify_after(tmp_path, statement)
    assert (result.ok, result.row, result.fault) == (False, row, fault), result
    assert result.detail


def _chain(length: int, actor: str = "a") -> list[Row]:
    rows: list[Row] = []
    for seq in range(1, length + 1):
        body = (seq, f"t{seq}", actor, "k", f'{{"n":{seq}}}', rows[-1].hash if rows else GENESIS)
        rows.append(Row(*body, event_hash(*body)))
    return rows


def test_rewritten_history_is_found_by_a_known_head() -> None:
    """All hashes made anew: only a hash noted outside the database can tell."""
    genuine, forged = _chain(5), _chain(5, actor="b")
    assert verify_rows(forged, [(5, forged[-1].hash)]).ok
    result = verify_rows(forged, [(5, forged[-1].hash)], known_head=genuine[2].hash)
    assert (result.ok, result.fault) == (False, "rewritten")
    assert verify_rows(genuine, [(5, genuine[-1].hash)], known_head=genuine[2].hash).ok
    assert verify_rows(genuine, [(5, genuine[-1].hash)], known_head=GENESIS).ok


def test_a_hash_set_to_null_is_an_altered_row() -> None:
    genuine = _chain(3)
    result = verify_rows([genuine[0]._replace(hash=None)], [(3, genuine[-1].hash)])
    assert (result.ok, result.row, result.fault) == (False, 1, "altered")
    result = verify_rows([genuine[0]._replace(hash=None, payload=None)], [(3, genuine[-1].hash)])
    assert (result.ok, result.row) == (False, 1)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), length=st.integers(1, 8))
def test_no_edit_of_rows_goes_unseen(data: st.DataObject, length: int) -> None:
    """Any sequence of row edits that leaves other rows than the genuine ones is found."""
    genuine = _chain(length)
    rows = list(genuine)
    for _ in range(data.draw(st.integers(1, 3))):
        edit = data.draw(st.sampled_from(["delete", "copy", "swap", "field", "renumber"]))
        if not rows:
            break
        i, j = (data.draw(st.integers(0, len(rows) - 1)) for _ in range(2))
        if edit == "delete":
            del rows[i]
        elif edit == "copy":
            rows.insert(j, rows[i])
        elif edit == "swap":
            rows[i], rows[j] = rows[j], rows[i]
        elif edit == "field":
            field = data.draw(st.sampled_from(FIELDS))
            rows[i] = rows[i]._replace(**{field: data.draw(st.text(max_size=3) | st.integers() | st.none())})
        else:
            rows = [row._replace(seq=number) for number, row in enumerate(rows, 1)]
    rows.sort(key=lambda row: row.seq)
    result = verify_rows(rows, [(length, genuine[-1].hash)])
    assert result.ok == (rows == genuine)
    if not result.ok:
        assert result.fault in {"altered", "removed", "inserted", "reordered"} and result.row is not None
        assert rows[: result.row - 1] == genuine[: result.row - 1], "a row before the named one is broken"
        assert re.search(r"\brows? ", result.detail)


def test_verification_hashes_every_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a long chain costs is its hashes: counted, for a machine under load tells nothing by its clock."""
    hashed: list[int] = []

    def counted(*args: object, **kwargs: object) -> str:
        hashed.append(1)
        return event_hash(*args, **kwargs)  # type: ignore[arg-type]

    rows = _chain(500)
    monkeypatch.setattr("overread.ledger.verify.event_hash", counted)
    assert verify_rows(rows, [(len(rows), rows[-1].hash)]).ok
    assert len(hashed) == len(rows)
