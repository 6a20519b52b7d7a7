"""Each check finds its fault, says how bad it is, and is silent on sound cohorts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as Pillow
from rich.console import Console

from overread.cohort.checks.run import CheckReport, check_cohort, print_report
from overread.cohort.cohort import Cohort

ROWS = [(s, label) for s in ("train", "val", "test") for label in ("no", "yes") for _ in range(5)]
LABELS = ["no", "yes"]
WriteCohort = Callable[..., Path]


def _codes(report: CheckReport, severity: str) -> list[str]:
    return [f.code for f in report.findings if f.severity == severity]


def _check(folder: Path, truth: str = "label", labels: list[str] | None = None) -> CheckReport:
    return check_cohort(Cohort.read(folder), truth=truth, labels=labels or LABELS)


def test_sound_cohorts_raise_nothing(pictures: WriteCohort, virtual: Cohort) -> None:
    report = _check(pictures(ROWS))
    assert not report.blocking and not report.warnings
    assert report.summary["cases"] == {"train": 10, "val": 10, "test": 10}
    ticks: list[int] = []
    report = check_cohort(
        virtual, truth="mask", labels=["background", "lesion"], progress=lambda: ticks.append(1)
    )
    assert not report.blocking and len(ticks) == len(virtual)
    # Five patients are few: that there are few, and few of each scanner, is all there is to say.
    assert {c.split("_")[0] for c in _codes(report, "warning")} <= {
        "class.few", "attribute.site", "attribute.scanner", "attribute.sex"
    }  # fmt: skip


def test_leakage(pictures: WriteCohort) -> None:
    folder = pictures(ROWS)
    for copy, original in ((12, 0), (13, 1)):
        (folder / f"c{copy}.png").write_bytes((folder / f"c{original}.png").read_bytes())
    report = _check(folder)
    (found,) = report.warnings
    assert not report.blocking and found.code == "leakage.pixels"
    assert found.message.startswith("2 images are shared by train and val") and set(found.cases) == {
        "c0", "c1", "c12", "c13"
    }  # fmt: skip
    # Another compression of the same pixels is still the same image.
    Pillow.open(folder / "c0.png").save(folder / "c22.png", compress_level=0)
    assert (folder / "c22.png").read_bytes() != (folder / "c0.png").read_bytes()
    blocking = _check(folder).blocking
    assert {f.message.split(" (")[0] for f in blocking} == {
        "1 image is shared by train and test",
        "1 image is shared by val and test",
    }


def test_repetition_and_contradiction(pictures: WriteCohort) -> None:
    folder = pictures(ROWS)
    (folder / "c1.png").write_bytes((folder / "c0.png").read_bytes())
    report = _check(folder)
    assert "duplicate.within" in _codes(report, "info") and not report.warnings
    (folder / "c5.png").write_bytes((folder / "c0.png").read_bytes())
    report = _check(folder)
    assert _codes(report, "warning") == ["label.conflict"]
    assert report.warnings[0].message.startswith("1 image has different labels")


def test_unreadable_and_blank(pictures: WriteCohort) -> None:
    folder = pictures(ROWS)
    (folder / "c3.png").write_bytes((folder / "c3.png").read_bytes()[:60])
    Pillow.fromarray(np.full((8, 8), 7, np.uint8)).save(folder / "c4.png")
    report = _check(folder)
    assert [(f.code, f.cases) for f in report.blocking] == [("image.unreadable", ("c3",))]
    assert "c3.png" in report.blocking[0].message
    assert [(f.code, f.cases) for f in report.warnings] == [("image.blank", ("c4",))]


def test_unknown_and_rare_classes(pictures: WriteCohort) -> None:
    folder = pictures([*ROWS, ("train", "perhaps")])
    report = _check(folder)
    assert [(f.code, f.cases) for f in report.blocking] == [("label.unknown", ("c30",))]
    report = _check(folder, labels=[*LABELS, "perhaps"])
    few = [f.message for f in report.warnings if f.code == "class.few"]
    assert [m.split(";")[0] for m in few] == [
        "train: fewer than 5 cases of perhaps (1)",
        "val: fewer than 5 cases of perhaps (0)",
        "test: fewer than 5 cases of perhaps (0)",
    ]


def test_mask_values(pictures: WriteCohort) -> None:
    folder = pictures(ROWS, masks=True)
    names = ["background", "cell"]
    assert not _check(folder, "mask", names).blocking
    Pillow.fromarray(np.full((8, 8), 9, np.uint8)).save(folder / "m2.png")
    Pillow.fromarray(np.zeros((8, 7), np.uint8)).save(folder / "m3.png")
    (folder / "m4.png").write_bytes(b"")
    blocking = {f.code: f for f in _check(folder, "mask", names).blocking}
    assert set(blocking) == {"mask.values", "mask.grid", "mask.unreadable"}
    assert "m2.png holds 9, expected 0 to 1 (background, cell)" in blocking["mask.values"].message
    assert "(8, 7)" in blocking["mask.grid"].message and "(8, 8)" in blocking["mask.grid"].message
    report = _check(folder, "mask", [*names, "nucleus"])
    said = [f.message for f in report.blocking if f.code == "mask.label_empty"]
    assert [m.split(";")[0] for m in said] == [
        "empty class: label 'nucleus' (mask value 2) is in no mask of train",
        "empty class: label 'nucleus' (mask value 2) is in no mask of test",
    ]


@pytest.mark.parametrize("empty", ["train", "val", "test"])
def test_label_that_one_split_never_shows(pictures: WriteCohort, empty: str) -> None:
    folder = pictures(ROWS, masks=True)
    for i, (split, _) in enumerate(ROWS):
        if split == empty:
            Pillow.fromarray(np.zeros((8, 8), np.uint8)).save(folder / f"m{i}.png")
    report = _check(folder, "mask", ["background", "cell"])
    blocking = [f.message for f in report.blocking]
    if empty == "val":
        assert not blocking
    else:
        (said,) = blocking
        assert f"'cell' (mask value 1) is in no mask of {empty}" in said
    few = [f.message for f in report.warnings if f.code == "class.few"]
    assert any(m.startswith(f"{empty}: fewer than 5 cases of cell (0)") for m in few)


def _volumes(folder: Path, count: int = 9) -> None:
    rng = np.random.default_rng(0)
    affine = np.diag([1.0, 1, 2, 1])
    lines = ["case,patient,split,image_T1,image_T2,mask"]
    for i in range(count):
        for name in ("T1", "T2"):
            array = rng.integers(0, 100, (6, 5, 4)).astype(np.int16)
            nib.save(nib.Nifti1Image(array, affine), folder / f"{name}_{i}.nii.gz")
        nib.save(nib.Nifti1Image((array > 50).astype(np.uint8), affine), folder / f"m{i}.nii.gz")
        split = ("train", "val", "test")[i % 3]
        lines.append(f"v{i},v{i},{split},T1_{i}.nii.gz,T2_{i}.nii.gz,m{i}.nii.gz")
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")


def test_grids_of_volumes(tmp_path: Path) -> None:
    _volumes(tmp_path)
    names = ["background", "part"]
    assert not _check(tmp_path, "mask", names).blocking
    array = np.arange(120, dtype=np.int16).reshape(6, 5, 4)
    moved = np.diag([1.0, 1, 3, 1])
    nib.save(nib.Nifti1Image(array, moved), tmp_path / "T2_1.nii.gz")
    nib.save(nib.Nifti1Image((array > 9).astype(np.uint8), moved), tmp_path / "m2.nii.gz")
    wide = np.diag([1.0, 1, 9, 1])
    for file in ("T1_3.nii.gz", "T2_3.nii.gz"):
        nib.save(nib.Nifti1Image(array + len(file), wide), tmp_path / file)
    nib.save(nib.Nifti1Image((array > 9).astype(np.uint8), wide), tmp_path / "m3.nii.gz")
    report = _check(tmp_path, "mask", names)
    assert [(f.code, f.cases) for f in report.blocking] == [
        ("channels.grid", ("v1",)),
        ("mask.grid", ("v2",)),
    ]
    assert [f.cases for f in report.warnings if f.code == "image.spacing_apart"] == [("v3",)]


def test_mixed_kinds(pictures: WriteCohort) -> None:
    folder = pictures(ROWS)
    rng = np.random.default_rng(1)
    Pillow.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(folder / "c7.png")
    Pillow.fromarray(rng.integers(0, 255, (8, 30), np.uint8)).save(folder / "c8.png")
    report = _check(folder)
    assert [(f.code, f.cases) for f in report.warnings] == [
        ("image.channels", ("c7",)),
        ("image.size_apart", ("c8",)),
    ]
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), folder / "c9.nii")
    table = (folder / "cohort.csv").read_text().replace("c9.png", "c9.nii")
    (folder / "cohort.csv").write_text(table)
    assert [(f.code, f.cases) for f in _check(folder).blocking] == [("image.dimensions", ("c9",))]


def test_attributes(pictures: WriteCohort) -> None:
    sites = ["A" if label == "no" else "B" for _, label in ROWS]
    scanners = ["X" if split == "train" else "Y" for split, _ in ROWS]
    ages = ["40"] * 29 + ["old"]
    report = _check(pictures(ROWS, site=sites, scanner=scanners, age=ages, sex=["F"] * 30))
    said = {f.code: f.message for f in report.warnings}
    assert set(said) == {"attribute.site_confounded", "attribute.scanner_unseen", "attribute.age"}
    assert "'old' of c29" in said["attribute.age"]
    assert "scanner 'Y' has 20 cases in val and test, none in train" in said["attribute.scanner_unseen"]
    assert not report.blocking


def test_report_as_json_and_table(pictures: WriteCohort) -> None:
    folder = pictures(ROWS)
    (folder / "c20.png").write_bytes((folder / "c0.png").read_bytes())
    report = _check(folder)
    content = json.loads(json.dumps(report.as_dict()))
    assert content["counts"]["blocking"] == 1 == len(report.blocking)
    assert content["findings"][0]["severity"] == "blocking"
    text = io.StringIO()
    print_report(report, Console(file=text, width=200))
    assert "1 image is shared by train and test" in text.getvalue()
    assert "1 blocking, 0 warnings" in text.getvalue()


@pytest.mark.parametrize("severity", ["blocking", "warning", "info"])
def test_findings_come_worst_first(pictures: WriteCohort, severity: str) -> None:
    folder = pictures(ROWS)
    (folder / "c0.png").write_bytes(b"")
    Pillow.fromarray(np.full((8, 8), 7, np.uint8)).save(folder / "c4.png")
    order = [f.severity for f in _check(folder).findings]
    assert severity in order
    assert order == sorted(order, key=["blocking", "warning", "info"].index)
