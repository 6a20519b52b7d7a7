"""APTOS 2019 in its published layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cohort.layouts import Damage, edited, fault, goes_on, gone, picture, refused, task_of, text

from overread.cohort.adapters.aptos import GRADES, import_aptos


def _folder(root: Path) -> Path:
    rows = []
    for i in range(40):
        picture(root / "train_images" / f"{i:012x}.png", i)
        rows.append(f"{i:012x},{i % 5}")
    picture(root / "test_images" / "0005cfc8afb6.png", 99)
    text(root / "train.csv", "id_code,diagnosis", *rows)
    text(root / "test.csv", "id_code", "0005cfc8afb6")
    return root


def test_grades_in_their_order(tmp_path: Path) -> None:
    import_aptos(_folder(tmp_path / "set"), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert len(cohort) == 40 and {c.label for c in cohort} == set(GRADES)
    cases = {c.case: c for c in cohort}
    assert cases[f"{13:012x}"].label == "severe" and cases[f"{13:012x}"].patient == f"{13:012x}"
    task = task_of(tmp_path / "out")
    assert task["labels"] == list(GRADES) and "no patient identities" in task["source"]["note"]
    assert all({c.label for c in cohort.split(s)} == set(GRADES) for s in ("train", "val", "test"))


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "grade", edited("train.csv", f"{7:012x},2", f"{7:012x},5"), "diagnosis is '5', expected 0 to 4"
        ),
        fault(
            "twice",
            edited("train.csv", f"{7:012x},2", f"{6:012x},2"),
            "000000000006 stands in more than one row",
        ),
        fault(
            "column", edited("train.csv", "diagnosis", "grade"), "no column 'diagnosis'; found id_code, grade"
        ),
        fault(
            "no image",
            gone(f"train_images/{7:012x}.png"),
            "lists 1 of 40 images .*000000000007; unpack the rest",
        ),
        fault("no row", edited("train.csv", f"{8:012x},3\n", ""), "holds 1 images .*000000000008; move"),
        fault("no table", gone("train.csv"), "has no train.csv"),
        fault("no folder", gone("."), "no such folder"),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _folder(tmp_path / "set")
    damage(folder)
    refused(import_aptos, folder, said, **options)
