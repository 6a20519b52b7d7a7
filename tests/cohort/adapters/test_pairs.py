"""Pairs of pictures and label pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.adapters.pairs import import_pairs
from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask
from overread.errors import InputError


def _folders(root: Path, *, values: tuple[int, ...] = (1, 2), cases: int = 5) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    for i in range(cases):
        Pillow.fromarray(rng.integers(0, 255, (9, 12, 3), np.uint8)).save(root / "images" / f"c{i}.tif")
        label = np.zeros((9, 12), np.uint16)
        for row, value in enumerate(values):
            label[row] = value
        Pillow.fromarray(label).save(root / "labels" / f"c{i}.png")
    return root / "images", root / "labels"


def test_values_are_classes(tmp_path: Path) -> None:
    import_pairs(*_folders(tmp_path / "set"), tmp_path / "out", None)
    task = json.loads((tmp_path / "out" / "task.json").read_text())
    assert task["labels"] == ["background", "label1", "label2"] and task["dimensions"] == 2
    cohort = Cohort.read(tmp_path / "out", need="mask")
    case = cohort.cases[0]
    assert set(np.unique(read_mask(case, load_case(case)))) == {0, 1, 2}


def test_instances_become_one_class(tmp_path: Path) -> None:
    folders = _folders(tmp_path / "set", values=(7, 300, 65535))
    import_pairs(*folders, tmp_path / "out", "nucleus")
    task = json.loads((tmp_path / "out" / "task.json").read_text())
    assert task["labels"] == ["background", "nucleus"] and task["positive"] == "nucleus"
    for case in Cohort.read(tmp_path / "out", need="mask"):
        truth = np.asarray(Pillow.open(folders[1] / f"{case.case}.png")) > 0
        np.testing.assert_array_equal(read_mask(case, load_case(case)), truth)


def _fails(folders: tuple[Path, Path], out: Path, said: str, foreground: str | None = None) -> None:
    with pytest.raises(InputError, match=said):
        import_pairs(*folders, out, foreground)
    assert not out.exists() and not list(out.parent.glob(".*"))


def test_faults(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _fails(_folders(tmp_path / "gaps", values=(7, 300)), out, "never 1; .*number them anew")
    _fails(_folders(tmp_path / "none", values=()), out, "expected 0 for background")
    _fails(_folders(tmp_path / "none2", values=()), out, "expected 0 for background", "nucleus")
    folders = _folders(tmp_path / "size")
    Pillow.fromarray(np.zeros((9, 11), np.uint8)).save(folders[1] / "c2.png")
    _fails(folders, out, r"labels/c2\.png: has 9 x 11 pixels, .*images/c2\.tif has 9 x 12")
    Pillow.fromarray(np.zeros((9, 12, 3), np.uint8)).save(folders[1] / "c2.png")
    _fails(folders, out, r"labels/c2\.png: mode is RGB")
    (folders[1] / "c2.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    _fails(folders, out, r"labels/c2\.png: .*cannot be read")
    (folders[1] / "c2.png").unlink()
    _fails(folders, out, r"images/c2\.tif: has no partner")
    Pillow.fromarray(np.zeros((9, 12), np.uint8)).save(folders[0] / "c1.png")
    _fails(folders, out, r"images/c1\.tif: c1\.png has the same name")
    folders = _folders(tmp_path / "alike")
    for folder in folders:
        for name in ("a 1.png", "a_1.png"):
            Pillow.fromarray(np.zeros((9, 12), np.uint8)).save(folder / name)
    _fails(folders, out, r"would be the same case, a_1; rename one")
    _fails(_folders(tmp_path / "named"), out, "--foreground is 'background'", "background")


def test_the_real_nuclei(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "dsb2018_nuclei"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    import_pairs(folder / "images", folder / "labels", tmp_path / "out", "nucleus")
    assert len(Cohort.read(tmp_path / "out", need="mask")) == 399


@pytest.mark.parametrize(
    ("name", "masks", "count", "labels"),
    [
        ("chase_db1_vessels", "masks", 20, 2),
        ("hc18_fetal_head_ultrasound", "masks", 127, 2),
        ("isbi2012_em_membrane", "labels", 22, 2),
    ],
)
def test_real_sets(data_dir: Path, tmp_path: Path, name: str, masks: str, count: int, labels: int) -> None:
    """Two observers' masks, names with a tail, masks of 0 and 255: nothing needs to be renamed or numbered anew."""
    import_pairs(data_dir / name / "images", data_dir / name / masks, tmp_path / "out")
    task = json.loads((tmp_path / "out" / "task.json").read_text())
    cohort = Cohort.read(tmp_path / "out", need="mask")
    assert len(cohort) == count and len(task["labels"]) == labels
    truth = read_mask(cohort.cases[0], load_case(cohort.cases[0]), labels=labels)
    assert set(np.unique(truth)) == {0, 1} and 0.01 < truth.mean() < 0.99
