"""The demo in small: every station is passed and what a person is told is true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom import dcmread
from tests.narrow import narrow

from overread.demo import road
from overread.errors import InputError
from overread.learn.planner import patch
from overread.ledger.ledger import Ledger


def test_the_whole_demo_on_few_patients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(road, "PATIENTS", 12)
    # Epochs and not seconds: a slow machine trains as well, only longer.
    monkeypatch.setattr(road, "EPOCHS", 10)
    narrow(monkeypatch)
    monkeypatch.setitem(patch.CPU_PATCH, 3, patch.SMALLEST_PATCH[3])
    out = tmp_path / "demo"
    road.run_demo(out)
    told = capsys.readouterr().out
    report = json.loads((out / "lesions" / "report.json").read_text())
    # Its opening is counted in its own folder: another demo, whose patients are the same, opens them once, too.
    assert report["openings"] == 1 and (out / "openings" / "openings.db").is_file()
    assert report["virtual"] is True
    (mean,) = [r for r in report["test"] if (r["metric"], r["label"]) == ("dice", None)]
    assert f"{mean['estimate']:.3f}" in told and "virtual patient" in told
    objects = [dcmread(p) for p in (out / "pacs").rglob("*.dcm")]
    # So little trained, it may find nothing: then there is nothing to outline, and the demo says so.
    kinds = sorted(d.Modality for d in objects)
    assert kinds == (["SR"] if "nothing was found" in " ".join(told.split()) else ["SEG", "SR"])
    assert all(d.PatientID.startswith("VIRTUAL") for d in objects)
    assert Ledger.open(out / "lesions" / "ledger.db").verify().ok
    assert "virtual patients" in (out / "lesions" / "report.html").read_text()


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(InputError, match="not made by the demo"):
        road.run_demo(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "three years of work"
