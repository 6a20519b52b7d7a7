"""NIfTI folders in the layout of the Medical Segmentation Decathlon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from overread.cohort.adapters.nifti import import_nifti
from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask
from overread.errors import InputError

AFFINE = np.diag([1.0, 1, 2, 1])


def _write(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, affine), path)


def _folders(root: Path, cases: int = 4, channels: int = 1, top: int = 2) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    shape = (5, 6, 7)
    for i in range(cases):
        image = rng.integers(0, 500, shape if channels == 1 else (*shape, channels)).astype(np.int16)
        label = np.zeros(shape, np.uint8)
        for value in range(1, top + 1):
            label[value] = value
        _write(root / "imagesTr" / f"part_{i}.nii.gz", image)
        _write(root / "labelsTr" / f"part_{i}.nii.gz", label)
    (root / "imagesTr" / "._part_0.nii.gz").write_bytes(b"hidden")
    return root / "imagesTr", root / "labelsTr"


def _task(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "task.json").read_text())
    return content


def test_pairs_become_cases(tmp_path: Path) -> None:
    images, labels = _folders(tmp_path / "set")
    import_nifti(images, labels, tmp_path / "out")
    task = _task(tmp_path / "out")
    assert task["labels"] == ["background", "label1", "label2"] and task["dimensions"] == 3
    cohort = Cohort.read(tmp_path / "out", need="mask")
    assert [c.patient for c in cohort] == ["part_0", "part_1", "part_2", "part_3"]
    for case in cohort:
        image = load_case(case)
        assert set(np.unique(read_mask(case, image))) == {0, 1, 2}
        truth = np.asarray(nib.load(images / f"{case.case}.nii.gz").dataobj)
        np.testing.assert_array_equal(image.array[0], truth)


def test_splits_do_not_depend_on_the_other_cases(tmp_path: Path) -> None:
    few = _folders(tmp_path / "few", cases=30)
    many = _folders(tmp_path / "many", cases=36)
    import_nifti(*few, tmp_path / "a")
    import_nifti(*many, tmp_path / "b")
    a, b = ({c.case: c.split for c in Cohort.read(tmp_path / n)} for n in ("a", "b"))
    assert a.items() <= b.items()


@pytest.mark.parametrize(
    "content",
    [
        {"labels": {"0": "background", "1": "core", "2": "edema"}, "modality": {"0": "FLAIR", "1": "T1w"}},
        {"labels": {"background": 0, "core": 1, "edema": 2}, "channel_names": {"0": "FLAIR", "1": "T1w"}},
    ],
)
def test_names_and_channels_of_dataset_json(tmp_path: Path, content: dict[str, Any]) -> None:
    images, labels = _folders(tmp_path / "set", channels=2)
    (tmp_path / "set" / "dataset.json").write_text(json.dumps(content))
    import_nifti(images, labels, tmp_path / "out")
    task = _task(tmp_path / "out")
    assert task["labels"] == ["background", "core", "edema"] and task["modality"] == ["MR"]
    cohort = Cohort.read(tmp_path / "out", need="mask")
    assert cohort.channels == ("FLAIR", "T1w")
    image = load_case(cohort.cases[0])
    truth = np.asarray(nib.load(images / "part_0.nii.gz").dataobj)
    np.testing.assert_array_equal(np.moveaxis(image.array, 0, -1), truth)
    np.testing.assert_array_equal(image.affine, AFFINE)


def _fails(folders: tuple[Path, Path], out: Path, said: str) -> None:
    with pytest.raises(InputError, match=said):
        import_nifti(*folders, out)
    assert not out.exists() and not list(out.parent.glob(".*"))


def test_missing_partner(tmp_path: Path) -> None:
    folders = _folders(tmp_path / "set")
    (folders[1] / "part_2.nii.gz").unlink()
    _fails(
        folders, tmp_path / "out", r"imagesTr/part_2\.nii\.gz: has no partner named 'part_2' in .*labelsTr"
    )
    _write(folders[1] / "part_2.nii", np.zeros((5, 6, 7), np.uint8))
    _write(folders[1] / "part_9.nii", np.zeros((5, 6, 7), np.uint8))
    _fails(folders, tmp_path / "out", r"labelsTr/part_9\.nii: has no partner named 'part_9' in .*imagesTr")


def test_other_shape_and_affine(tmp_path: Path) -> None:
    folders = _folders(tmp_path / "set")
    label = np.zeros((5, 6, 8), np.uint8)
    _write(folders[1] / "part_1.nii.gz", label)
    _fails(folders, tmp_path / "out", r"labelsTr/part_1\.nii\.gz: lies on another grid.*5 x 6 x 8.*5 x 6 x 7")
    _write(folders[1] / "part_1.nii.gz", label[:, :, :7], np.diag([1.0, 1, 3, 1]))
    _fails(folders, tmp_path / "out", r"1 x 1 x 3 mm.*1 x 1 x 2 mm")


def test_other_faults(tmp_path: Path) -> None:
    folders = _folders(tmp_path / "two", cases=2)
    _fails(folders, tmp_path / "out", "found 2 patients, expected at least 3")
    folders = _folders(tmp_path / "gap")
    for path in folders[1].glob("part_*"):
        _write(path, np.full((5, 6, 7), 255, np.uint8))
    _fails(folders, tmp_path / "out", "hold 255 but never 1")
    folders = _folders(tmp_path / "cut")
    whole = (folders[0] / "part_3.nii.gz").read_bytes()
    (folders[0] / "part_3.nii.gz").write_bytes(whole[: len(whole) // 2])
    _fails(folders, tmp_path / "out", r"part_3\.nii\.gz")
    folders = _folders(tmp_path / "mixed")
    _write(folders[0] / "part_1.nii.gz", np.zeros((5, 6, 7, 2), np.int16))
    _fails(folders, tmp_path / "out", "has 2 channels, others 1")
    _fails((tmp_path / "gone", folders[1]), tmp_path / "out", "no such folder")
    (tmp_path / "empty").mkdir()
    _fails((tmp_path / "empty", folders[1]), tmp_path / "out", r"holds no file ending in \.nii\.gz")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "dataset.json: is not JSON"),
        ("{}", "dataset.json: expected 'labels'"),
        ('{"labels": {"0": "background", "2": "x"}}', r"numbered \[0, 2\]"),
        ('{"labels": {"0": "background", "1": "x"}}', "hold 2, expected at most 1"),
        ('{"labels": {"0": "x", "1": "x", "2": "y"}}', "stands twice"),
    ],
)
def test_bad_dataset_json(tmp_path: Path, content: str, said: str) -> None:
    folders = _folders(tmp_path / "set")
    (tmp_path / "set" / "dataset.json").write_text(content)
    _fails(folders, tmp_path / "out", said)


def test_the_real_hippocampus(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "msd_hippocampus_3d"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    import_nifti(folder / "imagesTr", folder / "labelsTr", tmp_path / "out")
    task = _task(tmp_path / "out")
    assert task["labels"] == ["background", "anterior", "posterior"] and task["modality"] == ["MR"]
    cohort = Cohort.read(tmp_path / "out", need="mask")
    assert len(cohort) == 191
    assert cohort.split("test") and cohort.split("val")
