"""What docs/howto/verify-without-overread.md tells to do confirms a ledger without overread, and finds changes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sealed_road import Road

from overread.errors import InputError
from overread.ledger.commands import export_command
from overread.ledger.ledger import Ledger

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "verify-without-overread.md"
RECIPE = re.findall(r"^```(python|shell) verify\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def exported(sealed_road: Road, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the protocol and its export, as an auditor has it."""
    place = tmp_path_factory.mktemp("auditor")
    shutil.copytree(sealed_road.folder, place / "my-protocol")
    export_command(str(place / "my-protocol"), place / "evidence")
    return place


def followed(place: Path) -> str:
    """What the recipe prints, by a Python that cannot see overread; raises where a step fails."""
    said = ""
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    for language, text in RECIPE:
        words = [sys.executable, "-I", "-S", "-c", text] if language == "python" else ["sh", "-c", text]
        done = subprocess.run(words, cwd=place, env=clean, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        said += done.stdout
    return said


def test_the_recipe_confirms_chain_files_and_signatures(exported: Path, sealed_road: Road) -> None:
    assert len(RECIPE) == 4
    said = followed(exported)
    ledger = Ledger.open(sealed_road.folder / "ledger.db", create=False)
    assert f"{len(ledger.events())} rows, head {ledger.head()}" in said
    assert "Ann Lee analyst locked row" in said and "Bob Ray quality opened row" in said
    assert said.count("Signature Verified Successfully") == 2


def alter_a_row(place: Path) -> None:
    path = place / "evidence" / "ledger.jsonl"
    path.write_text(path.read_text().replace('\\"cases\\":12', '\\"cases\\":13', 1))


def remove_a_row(place: Path) -> None:
    path = place / "evidence" / "ledger.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3] + lines[4:]))


def change_a_file(place: Path) -> None:
    path = place / "my-protocol" / "report.json"
    path.write_text(path.read_text().replace("0", "1", 1))


def sign_as_somebody_else(place: Path) -> None:
    path = min((place / "evidence" / "signatures").glob("*.txt"))
    path.write_text(path.read_text().replace("Ann Lee", "Eve Lee").replace("Bob Ray", "Eve Ray"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (alter_a_row, "was altered"),
        (remove_a_row, "the row before row 5 was altered or removed"),
        (change_a_file, "report.json: FAILED"),
        (sign_as_somebody_else, "Signature Verification Failure"),
    ],
)
def test_the_recipe_finds_what_was_changed(
    exported: Path, tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    place = Path(shutil.copytree(exported, tmp_path / "auditor"))
    change(place)
    with pytest.raises(AssertionError, match=said):
        followed(place)


def test_an_export_overwrites_nothing(exported: Path) -> None:
    with pytest.raises(InputError, match="is not empty"):
        export_command(str(exported / "my-protocol"), exported / "evidence")
