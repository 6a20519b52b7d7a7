"""Every fault a person can make: one clear line with file and cause, exit code 2, nothing half-written."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image as Pillow

Fault = Callable[[Path], None]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "overread.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def refused(done: subprocess.CompletedProcess[str], *named: str, code: int = 2) -> None:
    assert done.returncode == code, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), done.stderr
    for text in named:
        assert text in lines[0], lines[0]
    assert "Traceback" not in done.stdout


def write_rows(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "cohort.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "cohort.csv").open() as f:
        return list(csv.DictReader(f))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A small classification cohort with its protocol."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng, rows = np.random.default_rng(0), []
    for i in range(12):
        Pillow.fromarray(rng.integers(0, 255, (16, 16), np.uint8)).save(folder / f"{i}.png")
        split = ("train", "val", "test")[i // 4]
        rows.append(
            {"case": f"c{i}", "patient": f"p{i}", "split": split, "image": f"{i}.png", "label": "ab"[i % 2]}
        )
    write_rows(folder, rows)
    assert run("init", folder).returncode == 0
    return folder


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """A small 3D segmentation cohort with its protocol."""
    folder = tmp_path / "volumes"
    folder.mkdir()
    rng, rows = np.random.default_rng(0), []
    for i in range(6):
        mask = np.zeros((10, 10, 10), np.uint8)
        mask[3:6, 3:6, 3:6] = 1
        for name, array in (("i", rng.normal(size=mask.shape).astype(np.float32)), ("m", mask)):
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), folder / f"{name}{i}.nii.gz")
        split = ("train", "val", "test")[i // 2]
        rows.append(
            {
                "case": f"c{i}",
                "patient": f"p{i}",
                "split": split,
                "image": f"i{i}.nii.gz",
                "mask": f"m{i}.nii.gz",
            }
        )
    write_rows(folder, rows)
    assert run("init", folder).returncode == 0
    return folder


def test_the_cohorts_are_good_before_they_are_broken(pictures: Path, volumes: Path) -> None:
    for folder in (pictures, volumes):
        done = run("check", folder)
        assert done.returncode == 0, done.stderr


def without_column(folder: Path) -> None:
    write_rows(folder, [{k: v for k, v in r.items() if k != "label"} for r in rows_of(folder)])


def wrong_label(folder: Path) -> None:
    rows = rows_of(folder)
    rows[3]["label"] = "z"
    write_rows(folder, rows)


def patient_twice(folder: Path) -> None:
    rows = rows_of(folder)
    rows[11]["patient"] = rows[0]["patient"]
    write_rows(folder, rows)


def empty_class(folder: Path) -> None:
    write_rows(folder, [r for r in rows_of(folder) if not (r["split"] == "test" and r["label"] == "b")])


def missing_file(folder: Path) -> None:
    (folder / "3.png").unlink()


def doubled_case(folder: Path) -> None:
    rows = rows_of(folder)
    rows[1]["case"] = "c0"
    write_rows(folder, rows)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (without_column, ["cohort.csv", "no column 'label'"]),
        (wrong_label, ["cohort.csv", "row 5", "'z'", "a, b"]),
        (patient_twice, ["cohort.csv", "'p0' is in two splits", "train (row 2)", "test (row 13)"]),
        (empty_class, ["cohort.csv", "class 'b' has no case in split 'test'"]),
        (missing_file, ["cohort.csv", "row 5", "3.png"]),
        (doubled_case, ["cohort.csv", "'c0'"]),
    ],
)
@pytest.mark.parametrize("command", ["check", "plan"])
def test_faults_of_the_table(pictures: Path, command: str, fault: Fault, named: list[str]) -> None:
    fault(pictures)
    before = files(pictures)
    refused(run(command, pictures), *named)
    assert files(pictures) == before


def unreadable(folder: Path) -> None:
    (folder / "i1.nii.gz").write_bytes((folder / "i1.nii.gz").read_bytes()[:200])


def other_shape(folder: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.ones((10, 10, 9), np.uint8), np.eye(4)), folder / "m1.nii.gz")


def other_affine(folder: Path) -> None:
    mask = nibabel.load(folder / "m1.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.asarray(mask.dataobj), np.diag([1, 1, 2, 1])), folder / "m1.nii.gz")


def label_out_of_range(folder: Path) -> None:
    mask = np.asarray(nibabel.load(folder / "m1.nii.gz").dataobj).copy()
    mask[0, 0, 0] = 7
    nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), folder / "m1.nii.gz")


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (unreadable, ["i1.nii.gz"]),
        (other_shape, ["c1", "(10, 10, 9)", "(10, 10, 10)"]),
        (other_affine, ["c1", "affine"]),
        (label_out_of_range, ["c1", "7"]),
    ],
)
def test_faults_of_the_images(volumes: Path, fault: Fault, named: list[str]) -> None:
    fault(volumes)
    before = files(volumes)
    refused(run("check", volumes), *named, code=1)
    left = files(volumes)
    assert left.pop("check.json") and left.pop("check.html")
    assert left == before
    refused(run("plan", volumes), *named)
    assert not (volumes / "plan.json").exists() and not (volumes / "record" / "plan.json").exists()


def test_a_truncated_dicom_file(tmp_path: Path, pictures: Path) -> None:
    from pydicom.data import get_testdata_file

    whole = Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()
    (pictures / "3.png").unlink()
    (pictures / "3.dcm").write_bytes(whole[: len(whole) // 2])
    rows = rows_of(pictures)
    rows[3]["image"] = "3.dcm"
    write_rows(pictures, rows)
    refused(run("check", pictures), "3.dcm", code=1)


def test_a_wrong_package(pictures: Path) -> None:
    (pictures / "x.overread").write_bytes(b"not a package")
    refused(
        run("predict", pictures / "x.overread", pictures / "0.png"), "x.overread", "not an overread package"
    )


def test_stages_out_of_order_say_what_comes_first(pictures: Path) -> None:
    refused(run("train", pictures), "plan.json", "overread plan")
    refused(run("package", pictures), "overread train")
    refused(run("lock", pictures), "overread package")
    refused(run("test", pictures), "overread lock")


def test_a_bad_budget(pictures: Path) -> None:
    refused(run("plan", pictures, "--budget", "soon"), "--budget", "'soon'")


def test_a_subgroup_that_is_no_column(pictures: Path) -> None:
    path = pictures / "protocol.yaml"
    path.write_text(path.read_text().replace("subgroups: []", "subgroups: [scanner]"))
    refused(run("plan", pictures), "protocol.yaml", "'scanner'")


def test_one_class_only(tmp_path: Path, pictures: Path) -> None:
    (pictures / "protocol.yaml").unlink()
    write_rows(pictures, [r | {"label": "a"} for r in rows_of(pictures)])
    refused(run("init", pictures), "cohort.csv", "at least 2")
    assert not (pictures / "protocol.yaml").exists()


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    refused(run("demo", "--out", tmp_path / "x"), "is a file")


def test_no_cohort_at_all(tmp_path: Path) -> None:
    refused(run("init", tmp_path), "cohort.csv", "overread import")
    assert not list(tmp_path.iterdir())
