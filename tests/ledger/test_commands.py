from __future__ import annotations

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


def test_show_lists_events(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    show_command(str(folder))
    out = capsys.readouterr().out
    assert "[red]not markup[/red]" in out
    assert out.index("check") < out.index("plan") and '{"epochs":3}' in out


@pytest.mark.parametrize("command", [verify_command, show_command])
def test_nothing_there(command, tmp_path: Path) -> None:
    for where in (tmp_path, tmp_path / "absent.db", f"sqlite:///{tmp_path}/absent.db"):
        with pytest.raises(InputError):
            command(str(where))
    assert list(tmp_path.iterdir()) == []
