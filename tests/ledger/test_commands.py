from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from overread.errors import InputError, OverreadError
from overread.ledger.commands import show_command, verify_command
from overread.ledger.ledger import Ledger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ledger = Ledger.open(tmp_path / "ledger.db")
    ledger.append("check", {"images": 12, "note": "[red]not markup[/red]"}, actor="tester")
    ledger.append("plan", {"epochs": 3}, actor="tester")
    return tmp_path


def test_verify_takes_folder_file_and_url(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = Ledger.open(folder / "ledger.db").head()
    for where in (str(folder), str(folder / "ledger.db"), f"sqlite:///{folder / 'ledger.db'}"):
        verify_command(where)
        assert capsys.readouterr().out == f"ok: 2 events, head {head}\n"


def test_verify_names_the_broken_row(folder: Path) -> None:
    raw = sqlite3.connect(folder / "ledger.db")
    raw.executescript(
        "DROP TRIGGER ledger_events_no_update; UPDATE ledger_events SET actor = 'x' WHERE seq = 2;"
    )
    raw.close()
    with pytest.raises(OverreadError, match="row 2 was altered") as caught:
        verify_command(str(folder))
    assert caught.value.exit_code == 1


def test_show_gives_each_event_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger.open(folder / "ledger.db")
    ledger.append("pipeline.train", {"weights": "ab" * 32, "text": "two\nlines", "gone": None}, actor="me")
    monkeypatch.setenv("COLUMNS", "200")
    show_command(str(folder))
    lines = capsys.readouterr().out.splitlines()
    times = [e.time[:19] + "Z" for e in ledger.events()]
    assert lines == [
        f'1  {times[0]}  tester  check           images=12 note="[red]not markup[/red]"',
        f"2  {times[1]}  tester  plan            epochs=3",
        f'3  {times[2]}  me      pipeline.train  gone=null text="two\\nlines" weights=abababababab',
    ]


@pytest.mark.parametrize("width", [40, 61, 80])
def test_show_cuts_to_the_terminal(
    folder: Path, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger.open(folder / "ledger.db").append("note", {"text": "x" * 500 + "\u5c71" * 500}, actor="me")
    monkeypatch.setenv("COLUMNS", str(width))
    show_command(str(folder))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and max(map(len, lines)) == width
    assert lines[2].endswith("\u2026")


def test_show_json_is_the_whole_event(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger.open(folder / "ledger.db")
    ledger.append("note", {"text": "two\nlines " + "x" * 500}, actor="me")
    show_command(str(folder), json_lines=True)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found == [{**vars(e), "payload": e.data} for e in ledger.events()]


def test_show_of_an_empty_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Ledger.open(tmp_path / "ledger.db")
    show_command(str(tmp_path))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", [verify_command, show_command])
def test_nothing_there(command, tmp_path: Path) -> None:
    for where in (tmp_path, tmp_path / "absent.db", f"sqlite:///{tmp_path}/absent.db"):
        with pytest.raises(InputError):
            command(str(where))
    assert list(tmp_path.iterdir()) == []
