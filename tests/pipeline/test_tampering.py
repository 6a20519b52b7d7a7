"""Whatever is changed behind the back of a finished protocol is found, and named."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sealed_road import Road

from overread.errors import InputError, OverreadError
from overread.ledger import ledger as ledger_module
from overread.ledger.commands import verify_command
from overread.ledger.ledger import Ledger
from overread.pipeline.stages import init_stage
from overread.pipeline.workspace import Workspace


@pytest.fixture
def road(sealed_road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, at a place whose ledger this machine remembers."""
    monkeypatch.setenv("OVERREAD_STATE", str(shutil.copytree(sealed_road.state, tmp_path / "state")))
    folder = Path(shutil.copytree(sealed_road.folder, tmp_path / "discs"))
    init_stage(folder)
    return folder


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def a_byte_of_an_image(folder: Path) -> None:
    flip(folder / "images" / "03.png", -20)


def a_label(folder: Path) -> None:
    path = folder / "cohort.csv"
    path.write_text(path.read_text().replace(",large,", ",small,", 1))


def a_byte_of_the_model(folder: Path) -> None:
    flip(next((folder / "package").glob("*.overread")), -2000)


def the_seal(folder: Path) -> None:
    flip(folder / "sealed" / "seal.json", -200)


def the_protocol(folder: Path) -> None:
    path = folder / "protocol.yaml"
    path.write_text(path.read_text().replace("goal: 0.8", "goal: 0.6"))


def a_figure_of_the_report(folder: Path) -> None:
    path = folder / "report.html"
    path.write_text(path.read_text().replace("0.", "1.", 1))


def a_row_of_the_ledger(folder: Path) -> None:
    with sqlite3.connect(folder / "ledger.db") as database:
        database.execute("DROP TRIGGER ledger_events_no_update")
        database.execute(
            "UPDATE ledger_events SET payload = replace(payload, 'seconds', 'minutes') WHERE kind = 'pipeline.train'"
        )
    database.close()


class Yesterday(datetime):
    """A clock that was set back by a day."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(UTC) - timedelta(days=1)


def the_clock(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger_module, "datetime", Yesterday)
        Ledger.open(folder / "ledger.db").append("note", {})


def the_database_of_yesterday(folder: Path) -> None:
    before = folder.parent / "backup"
    before.mkdir()
    for file in folder.glob("ledger.db*"):
        shutil.copy(file, before / file.name)
    init_stage(folder)
    for file in folder.glob("ledger.db*"):
        file.unlink()
    for file in before.iterdir():
        shutil.copy(file, folder / file.name)


CHANGES: list[tuple[Callable[[Path], None], str]] = [
    (a_byte_of_an_image, r"images/03\.png: was changed; the check saw"),
    (a_label, r"cohort\.csv: was changed; row \d+ \(pipeline\.lock\) recorded"),
    (a_byte_of_the_model, r"\.overread: was changed; row \d+ \(pipeline\.lock\) recorded"),
    (the_seal, r"sealed/seal\.json: was changed; row \d+ \(test\.sealed\) recorded"),
    (the_protocol, r"protocol\.yaml: was changed; row \d+ \(pipeline\.lock\) recorded"),
    (a_figure_of_the_report, r"report\.html: was changed; row \d+ \(pipeline\.report\) recorded"),
    (a_row_of_the_ledger, r"row \d+ was altered"),
    (the_clock, r"row \d+ \(note\) bears the time .*: the clock was set back"),
    (
        the_database_of_yesterday,
        r"this machine saw row \d+ of this ledger, and the ledger ends at row \d+: an older copy",
    ),
]


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=lambda value: getattr(value, "__name__", ""))
def test_each_change_is_found_and_named(road: Path, change: Callable[[Path], None], said: str) -> None:
    verify_command(str(road))
    change(road)
    with pytest.raises(OverreadError, match=said):
        verify_command(str(road))


@pytest.mark.parametrize("change", [a_row_of_the_ledger, the_database_of_yesterday])
def test_no_stage_goes_on_from_a_broken_or_older_ledger(road: Path, change: Callable[[Path], None]) -> None:
    change(road)
    with pytest.raises(InputError, match=r"ledger\.db: "):
        Workspace.open(road)
    # Elsewhere this machine has nothing to hold against the older one.
    other = road.parent / "elsewhere"
    shutil.copytree(road, other)
    if change is the_database_of_yesterday:
        Workspace.open(other)
