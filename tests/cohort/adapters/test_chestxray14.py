"""ChestX-ray14 in its published layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    begins,
    boxes_of,
    bytes_of,
    edited,
    fault,
    gone,
    picture,
    refused,
    task_of,
    text,
)

from overread.cohort.adapters.chestxray14 import FINDINGS, import_chestxray14

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)


def _folder(root: Path) -> Path:
    """Twelve patients of two images, the last four for testing."""
    rows, lists = [], {"train_val_list.txt": list[str](), "test_list.txt": list[str]()}
    for p in range(1, 13):
        for follow in range(2):
            name = f"{p:08d}_{follow:03d}.png"
            picture(root / f"images_{1 + p % 2:03d}" / "images" / name, 2 * p + follow, colour=False)
            labels = ("No Finding", "Mass|Nodule", "Pneumonia")[p % 3]
            age = {1: "414Y", 2: "011M"}.get(p, "058Y")
            rows.append(f"{name},{labels},{follow:03d},{p},{age},{'FM'[p % 2]},PA,2682,2749,0.143,0.143,")
            lists["test_list.txt" if p > 8 else "train_val_list.txt"].append(name)
    text(root / "Data_Entry_2017.csv", HEADER, *rows)
    for name, images in lists.items():
        text(root / name, *images)
    text(
        root / "BBox_List_2017.csv",
        "Image Index,Finding Label,Bbox [x,y,w,h],,,",
        "00000002_000.png,Infiltrate,3.5,4.25,10.0,12.0,,,",
        "00000002_000.png,Mass,20,10,12,14,,,",
        "00099999_000.png,Mass,1,1,2,2,,,",
    )
    return root


def test_labels_boxes_patients_and_lists(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "set")
    import_chestxray14(folder, tmp_path / "out")
    cohort = begins(tmp_path / "out")
    cases = {c.case: c for c in cohort}
    assert len(cases) == 24 and cohort.findings == (*FINDINGS, "No Finding")
    first = cases["00000001_000"]
    assert first.patient == "1" and first.visit == "000" and first.label is None
    assert {k for k, v in first.findings.items() if v} == {"Mass", "Nodule"}
    assert first.attributes["age"] == "" and first.attributes["age_as_written"] == "414Y"
    assert (
        cases["00000002_001"].attributes["age"] == "0.92" and cases["00000003_000"].attributes["age"] == "58"
    )
    assert first.attributes["sex"] == "M" and first.attributes["view"] == "PA"
    assert boxes_of(cases["00000002_000"]) == [
        {"label": "Infiltration", "box": [3.5, 4.25, 13.5, 16.25]},
        {"label": "Mass", "box": [20.0, 10.0, 32.0, 24.0]},
    ]
    assert first.boxes is None
    assert {c.patient for c in cohort.split("test")} == {"9", "10", "11", "12"}
    assert all(len({c.split for c in cohort if c.patient == p}) == 1 for p in {c.patient for c in cohort})
    source = task_of(tmp_path / "out")["source"]
    assert source["import"]["folder"] == str(folder) and "eighth" in source["note"]
    assert (
        first.images["image"].stat().st_ino == (folder / "images_002/images/00000001_000.png").stat().st_ino
    )


def test_the_table_of_2020(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "set")
    table = (folder / "Data_Entry_2017.csv").read_text().replace("058Y", "58").replace("414Y", "148")
    (folder / "Data_Entry_2017.csv").unlink()
    (folder / "Data_Entry_2017_v2020.csv").write_text(table.replace(",\n", "\n"))
    import_chestxray14(folder, tmp_path / "out")
    ages = {c.attributes["age"] for c in begins(tmp_path / "out")}
    assert ages == {"", "0.92", "58"}


def _again(folder: Path) -> None:
    """The same image for another patient: the last row may not win unsaid."""
    with (folder / "Data_Entry_2017.csv").open("a") as f:
        f.write("00000001_000.png,Mass,000,7,058Y,F,PA,2682,2749,0.143,0.143,\n")


def _renamed(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_file():
            path.write_text(path.read_text().replace("00000009_000.png", "_9.png"))
    (folder / "images_002/images/00000009_000.png").rename(folder / "images_002/images/_9.png")


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "no image",
            gone("images_001/images/00000004_001.png"),
            "lists 1 of 24 images .*00000004_001; unpack the rest",
        ),
        fault("unlisted", added("images_001/images/00000099_000.png"), "holds 1 images .*00000099_000; move"),
        fault("no Data_Entry_2017.csv", gone("Data_Entry_2017.csv"), "Data_Entry_2017.csv"),
        fault("no test_list.txt", gone("test_list.txt"), "test_list.txt"),
        fault("no BBox_List_2017.csv", gone("BBox_List_2017.csv"), "BBox_List_2017.csv"),
        fault(
            "label",
            edited("Data_Entry_2017.csv", "Mass|Nodule", "Mass|Nodul"),
            "labels are 'Mass.Nodul', expected 'No Finding' or some of Atel",
        ),
        fault(
            "finding and none",
            edited("Data_Entry_2017.csv", "Mass|Nodule", "Mass|No Finding"),
            "labels are 'Mass.No Finding'",
        ),
        fault("image of two patients", _again, "Image Index '00000001_000.png' stands in more than one row"),
        fault(
            "in both lists",
            edited("test_list.txt", "00000009_000.png", "00000001_000.png"),
            "00000001_000.png stands twice",
        ),
        fault(
            "in no list",
            edited("test_list.txt", "00000009_000.png", "other.png"),
            "1 images are in none of .*: 00000009_000.png",
        ),
        fault(
            "bytes", added("test_list.txt", bytes_of, b"\xff\xfe\x00"), "test_list.txt: not a list in UTF-8"
        ),
        fault("name", _renamed, "_9.png: expected a name of letters"),
        fault(
            "box",
            edited("BBox_List_2017.csv", "20,10,12,14", "20,10,120,14"),
            r"box \[20, 10, 140, 24\] leaves the image of 32 x 24",
        ),
        fault(
            "box label",
            edited("BBox_List_2017.csv", "Infiltrate", "Infiltrates"),
            "label is 'Infiltrates', expected one of",
        ),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _folder(tmp_path / "set")
    damage(folder)
    refused(import_chestxray14, folder, said, **options)
