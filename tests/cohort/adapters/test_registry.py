"""Every import by name: its module, its command, its page."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from overread.cli import app
from overread.cohort.adapters.registry import ADAPTERS
from overread.errors import InputError

PAGE = Path(__file__).parents[3] / "docs" / "adapters.md"


@pytest.mark.parametrize("name", ADAPTERS)
def test_module_command_and_page(name: str, tmp_path: Path) -> None:
    module = name.replace("-", "_")
    make = getattr(import_module(f"overread.cohort.adapters.{module}"), f"import_{module}")
    assert list(inspect.signature(make).parameters) == ["folder", "out", *ADAPTERS[name].options]
    shown = CliRunner().invoke(app, ["import", name, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0 and all(f"--{option}" in shown.output for option in ADAPTERS[name].options)
    assert re.search(rf"^## .*\b{name}\b", PAGE.read_text(), re.M)
    with pytest.raises(InputError, match=r"nowhere.*no such folder"):
        make(tmp_path / "nowhere", tmp_path / "out")


def test_a_command_makes_a_cohort(tmp_path: Path) -> None:
    from tests.cohort.layouts import label_map, task_of, text, volume

    root = tmp_path / "Dataset001_X"
    for i in range(5):
        volume(root / "imagesTr" / f"c{i}_0000.nii.gz", i)
        label_map(root / "labelsTr" / f"c{i}.nii.gz")
    text(
        root / "dataset.json",
        '{"channel_names": {"0": "CT"}, "labels": {"background": 0, "organ": 1}, "numTraining": 5, '
        '"file_ending": ".nii.gz"}',
    )
    done = CliRunner().invoke(app, ["import", "nnunet", str(root), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert task_of(tmp_path / "out")["modality"] == ["CT"]
    wrong = CliRunner().invoke(
        app, ["import", "coco", str(root), "--out", str(tmp_path / "b"), "--task", "boxes"]
    )
    assert isinstance(wrong.exception, InputError) and "--task is 'boxes'" in str(wrong.exception)
