"""`overread deidentify` and `overread reveal` as a person meets them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pydicom.dataset import FileDataset


def overread(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "overread.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_there_and_back(tmp_path: Path, small: Callable[..., FileDataset]) -> None:
    source, out, key, kept = (tmp_path / n for n in ("in", "out", "key", "map"))
    source.mkdir()
    small().save_as(source / "a.dcm")
    (tmp_path / "phrase").write_text("seven plain words\n")
    phrase = ("--map-passphrase-file", tmp_path / "phrase")
    done = overread("deidentify", source, "--out", out, "--key", key, "--map", kept, *phrase)
    assert done.returncode == 0, done.stderr
    assert "1 files written" in done.stdout and "Zwyxelburg" not in done.stdout + done.stderr
    (patient,) = (p.name for p in out.iterdir() if p.is_dir())
    back = overread("reveal", kept, "--find", patient, "--passphrase-file", tmp_path / "phrase")
    assert back.returncode == 0
    assert f"patient\tH-552\t{patient}\n" in back.stdout
    (tmp_path / "phrase").write_text("another\n")
    wrong = overread("reveal", kept, "--passphrase-file", tmp_path / "phrase")
    assert wrong.returncode == 2 and "wrong passphrase" in wrong.stderr
    small(BurnedInAnnotation="YES", SOPInstanceUID="1.2.3").save_as(source / "b.dcm")
    withheld = overread("deidentify", source, "--out", out, "--key", key, "--option", "retain-modified-dates")
    assert withheld.returncode == 1
    assert "burned-in" in withheld.stdout and "1 files were withheld" in withheld.stderr


def test_names_on_the_terminal_hold_no_escape_codes(
    tmp_path: Path, small: Callable[..., FileDataset]
) -> None:
    kept, key = tmp_path / "map", tmp_path / "key"
    (tmp_path / "in").mkdir()
    small(PatientName="Red\x1b[31m^Name\tlong", PatientID="K\x1b]0;x\x07-1").save_as(
        tmp_path / "in" / "a.dcm"
    )
    overread("deidentify", tmp_path / "in", "--out", tmp_path / "out", "--key", key, "--map", kept)
    back = overread("reveal", kept)
    assert back.returncode == 0 and "Red" in back.stdout, back.stderr
    assert not any(c in back.stdout for c in "\x1b\x07")
    assert all(line.count("\t") == 2 for line in back.stdout.splitlines())
