"""APTOS 2019 in its published layout."""

from __future__ import annotations

from pathlib import Path

from tests.cohort.layouts import goes_on, picture, refused, task_of, text

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


def test_faults(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "set")
    table = folder / "train.csv"
    kept = table.read_text()
    table.write_text(kept.replace(f"{7:012x},2", f"{7:012x},5"))
    refused(import_aptos, folder, "diagnosis is '5', expected 0 to 4")
    table.write_text(kept.replace(f"{7:012x},2", f"{6:012x},2"))
    refused(import_aptos, folder, "000000000006 stands in more than one row")
    table.write_text(kept.replace("diagnosis", "grade"))
    refused(import_aptos, folder, "no column 'diagnosis'; found id_code, grade")
    table.write_text(kept)
    (folder / "train_images" / f"{7:012x}.png").unlink()
    refused(import_aptos, folder, "lists 1 of 40 images .*000000000007; unpack the rest")
    table.write_text(kept.replace(f"{7:012x},2\n{8:012x},3\n", ""))
    refused(import_aptos, folder, "holds 1 images .*000000000008; move")
    table.unlink()
    refused(import_aptos, folder, "has no train.csv")
    refused(import_aptos, folder / "nowhere", "no such folder")
