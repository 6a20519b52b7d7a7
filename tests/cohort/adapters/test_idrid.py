"""The three parts of IDRiD."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.cohort.layouts import (
    Damage,
    added,
    boxes_of,
    fault,
    goes_on,
    gone,
    picture,
    refused,
    save,
    task_of,
    text,
)

from overread.cohort.adapters.idrid import import_idrid

SETS = {"train": "a. Training Set", "test": "b. Testing Set"}
MASKS = {
    "MA": "1. Microaneurysms",
    "HE": "2. Haemorrhages",
    "EX": "3. Hard Exudates",
    "SE": "4. Soft Exudates",
    "OD": "5. Optic Disc",
}


def _pictures(root: Path, train: int, test: int) -> dict[str, list[str]]:
    names = {
        "train": [f"IDRiD_{i:03d}" for i in range(1, train + 1)],
        "test": [f"IDRiD_{i:03d}" for i in range(1, test + 1)],
    }
    for k, (part, folder) in enumerate(SETS.items()):
        for i, name in enumerate(names[part]):
            picture(root / "1. Original Images" / folder / f"{name}.jpg", 100 * k + i)
    return names


def _segmentation(root: Path) -> Path:
    below = root / "A. Segmentation"
    for part, names in _pictures(below, 8, 3).items():
        for row, (ending, folder) in enumerate(MASKS.items()):
            for name in names:
                mask = np.zeros((24, 32), np.uint8)
                mask[4 * row : 4 * row + 4, :10] = 1
                if ending == "OD":
                    mask[:2] = 1
                # As published: a palette whose one colour is red. Soft exudates are rare.
                image = Pillow.fromarray(mask, "P")
                image.putpalette([0, 0, 0, 255, 0, 0])
                path = (
                    below / "2. All Segmentation Groundtruths" / SETS[part] / folder / f"{name}_{ending}.tif"
                )
                path.parent.mkdir(parents=True, exist_ok=True)
                if ending != "SE" or name != "IDRiD_002":
                    image.save(path)
    return root


def _grading(root: Path) -> Path:
    below = root / "B. Disease Grading"
    tables = {
        "train": "a. IDRiD_Disease Grading_Training Labels.csv",
        "test": "b. IDRiD_Disease Grading_Testing Labels.csv",
    }
    for part, names in _pictures(below, 20, 5).items():
        rows = [f"{name},{i % 5},{i % 3},,,," for i, name in enumerate(names)]
        text(
            below / "2. Groundtruths" / tables[part],
            "Image name,Retinopathy grade,Risk of macular edema ,,,,",
            *rows,
        )
    return root


def _localisation(root: Path) -> Path:
    below = root / "C. Localization"
    for part, names in _pictures(below, 8, 3).items():
        letter, word = ("a", "Training") if part == "train" else ("b", "Testing")
        disc = f"1. Optic Disc Center Location/{letter}. IDRiD_OD_Center_{word} Set_Markups.csv"
        fovea = f"2. Fovea Center Location/IDRiD_Fovea_Center_{word} Set_Markups.csv"
        for k, table in enumerate((disc, fovea)):
            rows = [f"{name},{10 + k},{7 + k},,," for name in names]
            text(
                below / "2. Groundtruths" / table, "Image No,X- Coordinate,Y - Coordinate,,,", *rows, ",,,,,"
            )
    return root


def test_lesions_become_one_label_map(tmp_path: Path) -> None:
    root = _segmentation(tmp_path / "set")
    import_idrid(root, tmp_path / "out")
    task = task_of(tmp_path / "out")
    assert task["labels"][1] == "microaneurysms" and task["modality"] == ["OP"]
    cohort = goes_on(tmp_path / "out")
    assert Counter(c.split for c in cohort) == {"train": 7, "val": 1, "test": 3}
    case = next(c for c in cohort if c.case == "train-IDRiD_001")
    assert case.mask is not None
    wanted = np.zeros((24, 32), np.uint8)
    wanted[:2] = 5
    for k, label in enumerate((1, 2, 3, 4, 5)):
        wanted[4 * k : 4 * k + 4, :10] = label
    np.testing.assert_array_equal(np.asarray(Pillow.open(case.mask)), wanted)
    # Two rows of ten pixels are of the disc and of microaneurysms, in 11 pictures.
    assert "220 pixels of several lesions" in task["source"]["note"]
    assert case.images["image"].samefile(
        root / "A. Segmentation" / "1. Original Images" / SETS["train"] / "IDRiD_001.jpg"
    )


def test_grades_and_names_that_stand_in_both_sets(tmp_path: Path) -> None:
    import_idrid(_grading(tmp_path / "set") / "B. Disease Grading", tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    by_name = {c.case: c for c in cohort}
    assert by_name["train-IDRiD_002"].label == by_name["test-IDRiD_002"].label == "grade 1"
    assert by_name["train-IDRiD_003"].attributes["macular_edema_risk"] == "2"
    assert {c.case for c in cohort.split("test")} == {f"test-IDRiD_{i:03d}" for i in range(1, 6)}


def test_points_become_boxes_of_a_pixel(tmp_path: Path) -> None:
    import_idrid(_localisation(tmp_path / "set"), tmp_path / "out", part="localisation")
    cohort = goes_on(tmp_path / "out")
    assert boxes_of(cohort.cases[0]) == [
        {"label": "optic disc", "box": [9.5, 6.5, 10.5, 7.5], "point": [10, 7]},
        {"label": "fovea", "box": [10.5, 7.5, 11.5, 8.5], "point": [11, 8]},
    ]


def test_the_part_must_be_clear(tmp_path: Path) -> None:
    root = _grading(_segmentation(tmp_path / "set"))
    refused(import_idrid, root, "holds segmentation, grading; choose one by --part")
    refused(import_idrid, root, "--part is 'all', expected one of", part="all")
    refused(import_idrid, root, "has no folder C. Localization; found A. Segmentation", part="localisation")
    import_idrid(root, tmp_path / "out", part="grading")
    assert task_of(tmp_path / "out")["task"] == "ordinal"


TRUTHS = f"A. Segmentation/2. All Segmentation Groundtruths/{SETS['test']}"
PICTURES = f"B. Disease Grading/1. Original Images/{SETS['train']}"
MAKERS = {"segmentation": _segmentation, "grading": _grading}


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "no mask",
            gone(f"{TRUTHS}/*/IDRiD_003_*.tif"),
            r"has no mask of IDRiD_003\.jpg",
            layout="segmentation",
        ),
        fault(
            "mask size",
            added(f"{TRUTHS}/{MASKS['OD']}/IDRiD_003_OD.tif", save, np.ones((4, 5), np.uint8)),
            r"IDRiD_003_OD\.tif: has 5 x 4 pixels",
            layout="segmentation",
        ),
        fault(
            "no picture",
            gone(f"{PICTURES}/IDRiD_007.jpg"),
            "no picture for train-IDRiD_007",
            layout="grading",
        ),
        fault(
            "no row",
            added(f"{PICTURES}/IDRiD_999.jpg"),
            "no row in the tables for train-IDRiD_999",
            layout="grading",
        ),
    ],
)
def test_missing_files(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    options = dict(options)
    folder = MAKERS[options.pop("layout")](tmp_path / "set")
    damage(folder)
    refused(import_idrid, folder, said, **options)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("IDRiD_001,5,0", "row 2: retinopathy grade is '5', expected 0 to 4"),
        ("IDRiD_001", "row 2 has 1 cells"),
    ],
)
def test_wrong_rows(tmp_path: Path, line: str, said: str) -> None:
    root = _grading(tmp_path / "set")
    table = root / "B. Disease Grading" / "2. Groundtruths" / "b. IDRiD_Disease Grading_Testing Labels.csv"
    text(table, "Image name,Retinopathy grade,Risk", line)
    refused(import_idrid, root, said)


def test_a_point_off_the_picture(tmp_path: Path) -> None:
    root = _localisation(tmp_path / "set")
    table = (
        root
        / "C. Localization"
        / "2. Groundtruths"
        / "2. Fovea Center Location"
        / "IDRiD_Fovea_Center_Testing Set_Markups.csv"
    )
    whole = table.read_text()
    table.write_text(whole.replace("IDRiD_002,11", "IDRiD_002,90"))
    refused(import_idrid, root, "fovea is stated at 90, 8, off its 32 x 24")
    table.write_text(whole.replace("IDRiD_002,11", "IDRiD_002,left"))
    refused(import_idrid, root, "row 3: x is 'left'")
