"""The examples run, and print numbers with their intervals; those that train see few cases for few epochs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
INTERVAL = r"-?\d+\.\d+ \(95% CI -?\d+\.\d+ to -?\d+\.\d+"


def ran(name: str, folder: Path, *arguments: str, data: Path | None = None) -> str:
    """What ``examples/<name>.py`` prints, run in ``folder``."""
    settings = {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    settings |= {"OVERREAD_DATA": str(data)} if data else {}
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), *arguments],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_two_models_are_compared(tmp_path: Path) -> None:
    said = ran("compare_two_models", tmp_path)
    assert re.search(rf"second minus first: {INTERVAL}\), p = ", said)
    assert len(re.findall(INTERVAL, said)) >= 8
    assert (tmp_path / "two_models.png").read_bytes().startswith(b"\x89PNG")


def test_a_package_made_by_hand_answers_and_refuses(tmp_path: Path) -> None:
    said = ran("package_by_hand", tmp_path)
    assert re.search(r"CT_small.dcm: bone found: bone area \d+ mm2", said)
    assert re.search(r"MR_small.dcm: not analysed.*MODALITY: found MR, expected CT", said)
    assert (tmp_path / "bone.overread").is_file() and (tmp_path / "bone.png").is_file()


def test_a_folder_is_deidentified(tmp_path: Path) -> None:
    said = ran("deidentify_a_folder", tmp_path)
    assert "3 files written, 1 withheld" in said and "withheld 4.dcm" in said
    pseudonyms = re.findall(r"CT (P-\w+) \(was 1CT1\)", said)
    assert len(pseudonyms) == 2 and len(set(pseudonyms)) == 1
    assert len(list((tmp_path / "shared").rglob("*.dcm"))) == 3


def test_a_network_is_added(tmp_path: Path) -> None:
    said = ran("add_a_network", tmp_path)
    assert re.search("for classes: .*resnet, .*plain", said)
    assert re.search(r"2D, .* parameters, logits \(4, 3\)", said) and "3D, " in said


def test_findings_with_missing_labels(data_dir: Path, tmp_path: Path) -> None:
    arguments = ("--epochs", "1", "--images", "250")
    said = ran("findings_with_missing_labels", tmp_path, *arguments, data=data_dir)
    told = said[said.index("\nTest: ") :]
    assert re.search(rf"Effusion: area under the ROC curve {INTERVAL}; n = \d+ patients", told)
    assert len(re.findall("area under the ROC curve", told)) == 4


def test_cells_are_counted(data_dir: Path, tmp_path: Path) -> None:
    said = ran("count_cells", tmp_path, "--epochs", "1", "--pictures", "12", data=data_dir)
    assert re.search(r"BloodImage_\d+: RBC count \d+ .*a person counted \d+", said)
    assert re.search(rf"RBC: found minus true {INTERVAL}\) cells per picture, n = 12", said)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_is_short_and_explained(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(text)) or ""
    assert len(text.splitlines()) < 80
    assert "\nShows: " in doc and "\nNeeds " in doc and f"python examples/{example.name}" in doc
    assert f"]({example.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f'ran("{example.stem}"' in Path(__file__).read_text(encoding="utf-8")
