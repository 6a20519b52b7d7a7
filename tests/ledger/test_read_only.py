"""A ledger on a medium that cannot be written is verified and shown like any other."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from overread.errors import OverreadError
from overread.ledger.ledger import Ledger

Close = Callable[[Path], Path]


def ledger_with(folder: Path, events: int) -> Path:
    folder.mkdir(parents=True)
    ledger = Ledger.open(folder / "ledger.db")
    for n in range(events):
        ledger.append("test", {"n": n}, actor="me")
    return folder / "ledger.db"


@pytest.fixture(params=["said", "mode", "mount"])
def closed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Close]:
    """Make a folder read-only: as the system says, by its mode, and as a mount; what cannot be had is skipped."""
    undo: list[list[str]] = []

    def close(file: Path) -> Path:
        if request.param == "said":
            real = os.access
            monkeypatch.setattr(os, "access", lambda p, how: False if how == os.W_OK else real(p, how))
        elif request.param == "mode":
            if os.geteuid() == 0:
                pytest.skip("the superuser may write whatever the mode")
            for path in file.parent.iterdir():
                path.chmod(0o444)
            file.parent.chmod(0o555)
            undo.append(["chmod", "-R", "u+w", str(file.parent)])
        else:
            place = file.parent.with_name("mounted")
            place.mkdir()
            for command in (
                ["mount", "--bind", str(file.parent), str(place)],
                ["mount", "-o", "remount,bind,ro", str(place)],
            ):
                if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
                    pytest.skip("nothing can be mounted here")
                undo.append(["umount", str(place)])
            return place / file.name
        return file

    yield close
    for command in reversed(undo[-1:]):
        subprocess.run(command, check=True)


def test_verify_and_show(tmp_path: Path, closed: Close) -> None:
    file = closed(ledger_with(tmp_path / "a b#?%41", 3))
    before = {p.name: p.read_bytes() for p in file.parent.iterdir()}
    ledger = Ledger.open(file, create=False)
    assert ledger.verify().ok and ledger.verify().events == 3
    assert [e.data["n"] for e in ledger.events()] == [0, 1, 2]
    assert ledger.url.endswith("ledger.db") and "immutable" not in ledger.url
    assert {p.name: p.read_bytes() for p in file.parent.iterdir()} == before
    with pytest.raises(OverreadError):
        ledger.append("more", {})


def test_events_that_are_still_in_the_log_count(tmp_path: Path, closed: Close) -> None:
    """As after a crash, or in a copy of the folder of a running node: the file alone lacks the last events."""
    file = ledger_with(tmp_path / "live", 2)
    reader = sqlite3.connect(file)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM ledger_events").fetchone()
    Ledger.open(file).append("late", {"n": 2}, actor="me")
    copy = tmp_path / "backup"
    copy.mkdir()
    for name in ("ledger.db", "ledger.db-wal"):
        shutil.copy(file.parent / name, copy / name)
    reader.close()
    assert (copy / "ledger.db-wal").stat().st_size > 0
    kept = closed(copy / "ledger.db")
    ledger = Ledger.open(kept, create=False)
    assert ledger.verify().ok and ledger.verify().events == 3
    assert sorted(p.name for p in kept.parent.iterdir()) == ["ledger.db", "ledger.db-wal"]


def test_tampering_is_found_there_too(tmp_path: Path, closed: Close) -> None:
    file = ledger_with(tmp_path / "a", 3)
    raw = sqlite3.connect(file)
    raw.execute("DROP TRIGGER ledger_events_no_update")
    raw.execute("UPDATE ledger_events SET payload = '{}' WHERE seq = 2")
    raw.commit()
    raw.close()
    done = Ledger.open(closed(file), create=False).verify()
    assert (done.ok, done.row, done.fault) == (False, 2, "altered")


def test_killed_while_it_appends_then_read_only(tmp_path: Path, closed: Close) -> None:
    code = (
        "import os, sys\nfrom overread.ledger.ledger import Ledger\n"
        "ledger = Ledger.open(sys.argv[1])\n"
        "for n in range(5):\n    ledger.append('test', {'n': n}, actor='me')\n"
        "import sqlite3\nkept = sqlite3.connect(sys.argv[1])\nkept.execute('SELECT * FROM ledger_head').fetchall()\n"
        "ledger.append('last', {'n': 5}, actor='me')\nos.kill(os.getpid(), 9)"
    )
    (tmp_path / "k").mkdir()
    file = tmp_path / "k" / "ledger.db"
    assert subprocess.run([sys.executable, "-c", code, str(file)]).returncode == -9
    done = Ledger.open(closed(file), create=False).verify()
    assert done.ok and done.events == 6
