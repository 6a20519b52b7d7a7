"""The ISIC challenges of 2018, 2019 and 2020 in their published layouts."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from tests.cohort.layouts import Damage, added, edited, fault, goes_on, gone, picture, refused, task_of, text

from overread.cohort.adapters.isic import OF_2019, import_isic
from overread.cohort.adapters.skin import HAM, NAMES
from overread.cohort.cohort import Cohort

ORDER_2018 = ("mel", "nv", "bcc", "akiec", "bkl", "df", "vasc")


def _hot(codes: tuple[str, ...], code: str) -> str:
    return ",".join("1.0" if c == code else "0.0" for c in codes)


def _of_2018(root: Path) -> Path:
    groups = []
    for word, first, count in (("Training", 0, 56), ("Validation", 100, 7), ("Test", 200, 7)):
        rows = []
        for i in range(first, first + count):
            # Two images of each lesion follow each other.
            code = ORDER_2018[(i // 2 if word == "Training" else i) % 7]
            picture(root / f"ISIC2018_Task3_{word}_Input" / f"ISIC_{i:07d}.jpg", i)
            rows.append(f"ISIC_{i:07d},{_hot(ORDER_2018, code)}")
            if word == "Training":
                groups.append(f"ISIC_{i:07d},HAM_{i // 2:07d},histopathology")
        name = f"ISIC2018_Task3_{word}_GroundTruth"
        text(root / name / f"{name}.csv", ",".join(("image", *(c.upper() for c in ORDER_2018))), *rows)
    text(
        root / "ISIC2018_Task3_Training_LesionGroupings.csv",
        "image,lesion_id,diagnosis_confirm_type",
        *groups,
    )
    return root


def _of_2019(root: Path, test: bool = True) -> Path:
    codes = (*OF_2019, "unk")
    for word, first, count in (("Training", 0, 64), ("Test", 100, 10))[: 1 + test]:
        rows, metadata = [], []
        for i in range(first, first + count):
            name = f"ISIC_{i:07d}" + ("_downsampled" if i % 9 == 0 else "")
            code = codes[(i // 2) % 8] if word == "Training" else codes[(i - first) % 9]
            picture(root / f"ISIC_2019_{word}_Input" / f"ISIC_2019_{word}_Input" / f"{name}.jpg", i)
            weights = "" if word == "Training" else ",1.0,0.0"
            rows.append(f"{name},{_hot(codes, code)}{weights}")
            lesion = (
                f",HAM_{i // 2:07d}" if word == "Training" and i < 60 else ("," if word == "Training" else "")
            )
            metadata.append(f"{name},55.0,anterior torso{lesion},female")
        extra = "" if word == "Training" else ",score_weight,validation_weight"
        text(root / f"ISIC_2019_{word}_GroundTruth.csv", "image," + ",".join(codes).upper() + extra, *rows)
        columns = (
            "image,age_approx,anatom_site_general" + (",lesion_id" if word == "Training" else "") + ",sex"
        )
        text(root / f"ISIC_2019_{word}_Metadata.csv", columns, *metadata)
    return root


def _of_2020(root: Path, table: str = "ISIC_2020_Training_GroundTruth_v2.csv") -> Path:
    rows = []
    for i in range(60):
        picture(root / "train" / f"ISIC_{i:07d}.jpg", i)
        bad = i // 3 % 2
        rows.append(
            f"ISIC_{i:07d},IP_{i // 3:07d},IL_{i:07d},male,45.0,head/neck,nevus,{('benign', 'malignant')[bad]},{bad}"
        )
    picture(root / "test" / "ISIC_9999999.jpg", 999)
    text(
        root / table,
        "image_name,patient_id,lesion_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target",
        *rows,
    )
    text(
        root / "ISIC_2020_Training_Duplicates.csv",
        "image_name_1,image_name_2",
        "ISIC_0000000,ISIC_0000007",
        "ISIC_0000008,ISIC_0000013",
    )
    return root


def _together(cohort: Cohort) -> int:
    """How many patients there are, each in one split."""
    splits = defaultdict(set)
    for case in cohort:
        splits[case.patient].add(case.split)
    assert all(len(found) == 1 for found in splits.values())
    return len(splits)


def test_2018_has_three_parts_and_lesions(tmp_path: Path) -> None:
    import_isic(_of_2018(tmp_path / "set"), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert task_of(tmp_path / "out")["labels"] == [NAMES[c] for c in HAM]
    assert {s: len(cohort.split(s)) for s in ("train", "val", "test")} == {"train": 56, "val": 7, "test": 7}
    assert _together(cohort) == 28 + 14
    case = {c.case: c for c in cohort}["ISIC_0000003"]
    assert (case.patient, case.label, case.split) == ("HAM_0000001", "melanocytic nevus", "train")


@pytest.mark.parametrize("test", [False, True])
def test_2019_with_and_without_test_truth(tmp_path: Path, test: bool) -> None:
    import_isic(_of_2019(tmp_path / "set", test), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert _together(cohort) == 30 + 4 + 9 * test
    note = task_of(tmp_path / "out")["source"]["note"]
    if test:
        assert {c.case[:10] for c in cohort.split("test")} == {"ISIC_00001" for _ in range(9)}
        assert len(cohort.split("test")) == 9 and "1 images of the class UNK" in note
    else:
        assert len(cohort) == 64 and "UNK" not in note
    assert {c.attributes["age"] for c in cohort} == {"55"}


@pytest.mark.parametrize("table", ["ISIC_2020_Training_GroundTruth_v2.csv", "train.csv"])
def test_2020_has_patients_and_duplicates(tmp_path: Path, table: str) -> None:
    import_isic(_of_2020(tmp_path / "set", table), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    cases = {c.case: c for c in cohort}
    assert len(cases) == 60 and _together(cohort) == 18
    assert {cases[f"ISIC_{i:07d}"].patient for i in (0, 7, 8, 13)} == {"IP_0000000"}
    assert cases["ISIC_0000013"].attributes["patient_id"] == "IP_0000004"
    assert "2 patients were joined" in task_of(tmp_path / "out")["source"]["note"]
    assert task_of(tmp_path / "out")["positive"] == "malignant"


YEARS = {"2018": _of_2018, "2019": _of_2019, "2020": _of_2020}


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault("no folder", gone("."), "no such folder", year="2018"),
        fault(
            "no table", gone("*"), "found the tables of no year; expected those of one: ISIC2018", year="2018"
        ),
        fault(
            "two classes",
            edited(
                "ISIC2018_Task3_Test_GroundTruth/ISIC2018_Task3_Test_GroundTruth.csv", "1.0,0.0", "1.0,1.0"
            ),
            "expected 1 in one and 0 elsewhere",
            year="2018",
        ),
        fault(
            "no image",
            gone("ISIC2018_Task3_Validation_Input/ISIC_0000103.jpg"),
            "lists 1 of 7 images .*ISIC_0000103",
            year="2018",
        ),
        fault(
            "twice",
            edited("ISIC2018_Task3_Training_LesionGroupings.csv", "ISIC_0000003", "ISIC_0000004"),
            "image 'ISIC_0000004' stands in more than one row",
            year="2018",
        ),
        fault(
            "no lesion",
            edited("ISIC2018_Task3_Training_LesionGroupings.csv", "ISIC_0000003", "ISIC_0000999"),
            "lacks 1 images: ISIC_0000003",
            year="2018",
        ),
        fault(
            "no groups",
            gone("ISIC2018_Task3_Training_LesionGroupings.csv"),
            "LesionGroupings.csv is missing",
            year="2018",
        ),
        fault(
            "two years",
            lambda root: _of_2020(root / "2020"),
            "found the tables of 2018 and 2020; expected those of one",
            year="2018",
        ),
        fault(
            "target",
            edited("ISIC_2020_Training_GroundTruth_v2.csv", "benign,0", "benign,1"),
            "benign_malignant is 'benign' and target '1', expected benign and 0",
            year="2020",
        ),
        fault(
            "unlisted", added("train/ISIC_0000088.jpg"), "holds 1 images .*ISIC_0000088; move", year="2020"
        ),
        fault(
            "no metadata",
            gone("ISIC_2019_Training_Metadata.csv"),
            "ISIC_2019_Training_Metadata.csv is missing",
            year="2019",
        ),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    options = dict(options)
    folder = YEARS[options.pop("year")](tmp_path / "set")
    damage(folder)
    refused(import_isic, folder, said, **options)
