"""Folders of LUNA16."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cohort.layouts import Damage, begins, boxes_of, edited, fault, gone, refused, task_of, text

from overread.cohort.adapters.luna16 import import_luna16
from overread.cohort.cohort import Cohort
from overread.imaging.read import read

SHAPE = (20, 16, 12)
HEADER = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
    "TransformMatrix = {turn} 0 0 0 {turn} 0 0 0 1\nOffset = -100 -50 -200\nElementSpacing = 0.7 0.7 2.5\n"
    "DimSize = 20 16 12\nElementType = MET_SHORT\nElementDataFile = {name}.raw\n"
)
# Voxel (5, 6, 4) of every scan.
CENTRE = (-100 + 5 * 0.7, -50 + 6 * 0.7, -200 + 4 * 2.5)


def _scan(folder: Path, name: str, turn: int = 1) -> None:
    text(folder / f"{name}.mhd", HEADER.format(name=name, turn=turn).strip())
    array = np.full(SHAPE, -800, np.int16)
    array[5, 6, 4] = 100
    (folder / f"{name}.raw").write_bytes(array.tobytes(order="F"))


def _layout(root: Path, subsets: int = 10, each: int = 2) -> Path:
    rows = []
    for s in range(subsets):
        for i in range(each):
            _scan(root / f"subset{s}", f"1.3.6.1.{s}.{i}")
            if i == 0:
                rows.append(f"1.3.6.1.{s}.{i},{CENTRE[0]},{CENTRE[1]},{CENTRE[2]},7.0")
    text(root / "annotations.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm", *rows)
    return root


def test_nodules_in_patient_coordinates_and_folds(tmp_path: Path) -> None:
    import_luna16(_layout(tmp_path / "set"), tmp_path / "out")
    cohort = begins(tmp_path / "out")
    assert len(cohort) == 20
    for case in cohort:
        subset = case.case.split(".")[4]
        assert case.attributes["subset"] == subset
        assert case.split == {"9": "test", "8": "val"}.get(subset, "train")
        assert case.attributes["fold"] == ("" if subset == "9" else subset)
    first, second = cohort.cases[:2]
    assert boxes_of(second) == []
    (nodule,) = boxes_of(first)
    low, high = np.array(nodule["box"][:3]), np.array(nodule["box"][3:])
    np.testing.assert_allclose(high - low, 7)
    image = read(first.images["image"])
    index = np.linalg.inv(image.affine) @ [*(low + high) / 2, 1]
    # The bright voxel lies in the middle of the box.
    np.testing.assert_allclose(index[:3], [5, 6, 4], atol=1e-3)
    assert image.array[0, 5, 6, 4] == 100 and nodule["diameter_mm"] == 7
    assert "each scan counts as its own patient" in task_of(tmp_path / "out")["source"]["note"]


def test_patients_of_lidc_stay_together(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", each=1)
    subjects = {s: "LIDC-IDRI-0001" if s in (0, 9) else f"LIDC-IDRI-1{s:03d}" for s in range(10)}
    text(root / "metadata.csv", "Series UID,Subject ID", *(f"1.3.6.1.{s}.0,{p}" for s, p in subjects.items()))
    import_luna16(root, tmp_path / "out")
    cohort = Cohort.read(tmp_path / "out")
    assert [c.split for c in cohort if c.patient == "LIDC-IDRI-0001"] == ["test", "test"]
    assert "kept together" in task_of(tmp_path / "out")["source"]["note"]
    text(
        root / "metadata.csv",
        "Series UID,Subject ID",
        "1.3.6.1.0.0,LIDC-IDRI-0001",
        "1.3.6.1.0.0,LIDC-IDRI-0002",
    )
    refused(import_luna16, root, "Series UID '1.3.6.1.0.0' stands in more than one row")
    text(root / "metadata.csv", "Series UID,Subject ID", "1.3.6.1.0.0,LIDC-IDRI-0001")
    refused(import_luna16, root, "does not tell the patient of 1.3.6.1.1.0")


@pytest.mark.parametrize("subsets", [2, 4])
def test_some_subsets_are_enough(tmp_path: Path, subsets: int) -> None:
    root = _layout(tmp_path / "set", subsets, each=4)
    with (root / "annotations.csv").open("a") as f:
        f.write("1.3.6.1.7.0,0,0,0,5\n")
    import_luna16(root, tmp_path / "out")
    note = task_of(tmp_path / "out")["source"]["note"]
    assert "only the subsets 0, 1" in note
    assert ("patients are dealt" in note) == (subsets == 2)
    assert ("test is subset 3, val subset 2" in note) == (subsets == 4)


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault("no table", gone("annotations.csv"), r"has no annotations\.csv"),
        fault("no subset", gone("subset*"), "has no folder subset0 to subset9"),
        fault("no voxels", gone("subset3/1.3.6.1.3.1.raw"), r"1\.3\.6\.1\.3\.1"),
        fault("twice", lambda root: _scan(root / "subset4", "1.3.6.1.3.1"), "is in subset 3 too"),
        fault("no scan", gone("subset3/1.3.6.1.3.0.*"), r"lists 1\.3\.6\.1\.3\.0, of which there is no scan"),
        fault("no extent", edited("annotations.csv", "7.0\n", "0\n"), "has no extent"),
        fault("outside", edited("annotations.csv", "-190.0", "900"), "lies outside of"),
        fault("no number", edited("annotations.csv", "7.0\n", "wide\n"), "row 2: diameter_mm is 'wide'"),
        fault("column", edited("annotations.csv", "coordZ", "z"), "no column 'coordZ'"),
    ],
)
def test_faults_are_named(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _layout(tmp_path / "set")
    damage(folder)
    refused(import_luna16, folder, said, **options)
