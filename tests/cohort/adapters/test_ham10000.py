"""HAM10000 in its published layout."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    edited,
    fault,
    goes_on,
    gone,
    picture,
    refused,
    save,
    task_of,
    text,
)

from overread.cohort.adapters.ham10000 import MASKS, import_ham10000
from overread.cohort.adapters.skin import HAM, NAMES
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask

COLUMNS = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization", "dataset")


def _folder(root: Path, lesions: int = 35, test: str = "", tab: bool = False, masks: bool = True) -> Path:
    """Two images of every lesion, one in each part; ``test`` is the form of the official test truth."""
    rows = []
    for i in range(2 * lesions):
        name, code = f"ISIC_{i:07d}", HAM[i // 2 % 7]
        picture(root / f"HAM10000_images_part_{1 + i % 2}" / f"{name}.jpg", i)
        if masks:
            array = np.zeros((24, 32), np.uint8)
            array[5 : 9 + i % 5, 4:20] = 255
            save(root / MASKS / f"{name}_segmentation.png", array)
        rows.append(
            (
                f"HAM_{i // 2:07d}",
                name,
                code,
                "histo",
                "80.0" if i % 3 else "",
                "male",
                "scalp",
                "vidir_modern",
            )
        )
    sign, name = ("\t", "HAM10000_metadata.tab") if tab else (",", "HAM10000_metadata.csv")
    text(root / name, *(sign.join(f'"{v}"' if tab else v for v in row) for row in (COLUMNS, *rows)))
    lines = [",".join(COLUMNS) if test == "described" else ",".join(("image", *(c.upper() for c in HAM)))]
    for i in range(14 if test else 0):
        name, code = f"ISIC_{34000 + i:07d}", HAM[i % 7]
        picture(root / "ISIC2018_Task3_Test_Images" / f"{name}.jpg", 500 + i)
        hot = ",".join("1.0" if c == code else "0.0" for c in HAM)
        lines.append(
            f"HAM_{9000 + i:07d},{name},{code},follow_up,50,female,back,rosendahl"
            if test == "described"
            else f"{name},{hot}"
        )
    if test:
        text(root / "ISIC2018_Task3_Test_GroundTruth.csv", *lines)
    return root


@pytest.mark.parametrize("tab", [False, True])
def test_images_of_a_lesion_stay_together(tmp_path: Path, tab: bool) -> None:
    import_ham10000(_folder(tmp_path / "set", tab=tab), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert len(cohort) == 70 and task_of(tmp_path / "out")["labels"] == [NAMES[c] for c in HAM]
    splits = defaultdict(set)
    for case in cohort:
        splits[case.patient].add(case.split)
    assert len(splits) == 35 and all(len(found) == 1 for found in splits.values())
    case = {c.case: c for c in cohort}["ISIC_0000001"]
    assert (case.patient, case.label) == ("HAM_0000000", NAMES["akiec"])
    assert case.attributes["age"] == "80" and case.attributes["site"] == "vidir_modern"
    mask = read_mask(case, load_case(case), labels=2)
    assert mask.sum() == 5 * 16
    assert "lesion" in task_of(tmp_path / "out")["source"]["note"]


@pytest.mark.parametrize("form", ["described", "one-hot"])
def test_the_official_test_images(tmp_path: Path, form: str) -> None:
    import_ham10000(_folder(tmp_path / "set", test=form), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert {c.case for c in cohort.split("test")} == {f"ISIC_{34000 + i:07d}" for i in range(14)}
    assert all(c.mask is None for c in cohort.split("test")) and len(cohort.split("train")) == 56


def test_a_copy_with_each_folder_twice(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "set", masks=False)
    for part in (1, 2):
        (folder / f"ham10000_images_part_{part}").mkdir()
        for path in (folder / f"HAM10000_images_part_{part}").iterdir():
            (folder / f"ham10000_images_part_{part}" / path.name).write_bytes(path.read_bytes())
    import_ham10000(folder, tmp_path / "out")
    assert {c.mask for c in goes_on(tmp_path / "out")} == {None}


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "class",
            edited("HAM10000_metadata.csv", ",bcc,", ",abc,"),
            "ISIC_0000002: class is 'abc', expected one of akiec, bcc",
        ),
        fault(
            "twice",
            edited("HAM10000_metadata.csv", "ISIC_0000003", "ISIC_0000002", -1),
            "ISIC_0000002 stands in more than one row",
        ),
        fault("column", edited("HAM10000_metadata.csv", "lesion_id", "lesion"), "no column 'lesion_id'"),
        fault(
            "two classes",
            edited("ISIC2018_Task3_Test_GroundTruth.csv", "0.0,1.0", "1.0,1.0"),
            "expected 1 in one and 0 elsewhere",
        ),
        fault(
            "no test image",
            edited("ISIC2018_Task3_Test_GroundTruth.csv", "ISIC_0034003", "ISIC_0034099"),
            "lists 1 of 14 images .*ISIC_0034099",
        ),
        fault(
            "mask values",
            added(
                f"{MASKS}/ISIC_0000004_segmentation.png",
                save,
                np.arange(24 * 32, dtype=np.uint8).reshape(24, 32),
            ),
            "expected 0 and one other for the lesion",
        ),
        fault(
            "mask size",
            added(f"{MASKS}/ISIC_0000004_segmentation.png", save, np.zeros((24, 31), np.uint8)),
            "has 31 x 24 pixels, its image 32 x 24",
        ),
        fault(
            "no mask",
            gone(f"{MASKS}/ISIC_0000004_segmentation.png"),
            "lacks the masks of 1 images: ISIC_0000004; unpack all",
        ),
        fault(
            "no image", gone("HAM10000_images_part_2/ISIC_0000003.jpg"), "lists 1 of 56 images .*ISIC_0000003"
        ),
        fault("no images", gone("HAM10000_images_part_*"), "has no HAM10000_images_part_1"),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _folder(tmp_path / "set", lesions=28, test="one-hot")
    damage(folder)
    refused(import_ham10000, folder, said, **options)
