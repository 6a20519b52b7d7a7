"""Two plans side by side: every key that differs, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from overread.cli.app import app
from overread.errors import InputError
from overread.pipeline.plan_differences import differences, plan_at, told

FIRST = {
    "patch": [64, 64],
    "batch": 4,
    "views": [],
    "augment": {"flip": [], "rotate_deg": 15.0},
    "preprocess": {"intensity": [{"method": "range"}]},
    "network": {"name": "unet", "arguments": {"widths": [16, 32]}},
    "reasons": ["Both.", "Small."],
}
SECOND = FIRST | {
    "patch": [128, 128],
    "batch": 2,
    "views": ["flip0"],
    "augment": {"flip": [], "rotate_deg": 180.0},
    "preprocess": {"intensity": [{"method": "tissue"}]},
    "reasons": ["Both.", "Large."],
}


def test_every_key_that_differs_is_told_once() -> None:
    keys = [d.key for d in differences(FIRST, SECOND)]
    assert keys == ["patch", "batch", "augment.rotate_deg", "preprocess.intensity[0].method", "views"]
    assert told(FIRST, FIRST) == ["The plans are alike in every key."]


def test_lines_say_what_a_key_is_and_how_much_larger() -> None:
    lines = told(FIRST, SECOND)
    assert "patch (voxels learnt from at once): [64, 64] > [128, 128]" in lines
    assert "batch (images a step learns from): 4 > 2, 0.5 times" in lines
    assert "views (views answered in beside the image as it is): not there > ['flip0']" in lines
    assert lines[-5:] == [
        "Said in the first plan alone:",
        "  Small.",
        "",
        "Said in the second plan alone:",
        "  Large.",
    ]


def test_the_command_takes_files_or_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "plan.json").write_text(json.dumps(FIRST))
    (tmp_path / "b.json").write_text(json.dumps(SECOND))
    found = CliRunner().invoke(app, ["plan", "--compare", str(tmp_path / "a"), str(tmp_path / "b.json")])
    assert found.exit_code == 0 and "0.5 times" in found.output


def test_what_is_no_plan_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(InputError, match=r"x\.json: found no plan"):
        plan_at(tmp_path / "x.json")
    with pytest.raises(InputError, match="no such file"):
        plan_at(tmp_path / "none.json")
