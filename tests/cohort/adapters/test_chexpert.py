"""CheXpert in its published layouts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cohort.layouts import Damage, added, begins, edited, fault, gone, picture, refused, task_of, text

from overread.cohort.adapters.chexpert import FINDINGS, import_chexpert

HEADER = ",".join(("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *FINDINGS))
VALUES = ",".join(("1.0", "", "-1.0", "0.0", *[""] * 10))


def _row(path: str, view: str) -> str:
    return f"{path},Female,68,{view.capitalize()},{'AP' if view == 'frontal' else ''},{VALUES}"


def _folder(root: Path, name: str = "CheXpert-v1.0-small") -> Path:
    """Eight training patients of two studies with a lateral view in the first, and three for validation."""
    tables: dict[str, list[str]] = {"train": [], "valid": []}
    for p in range(1, 12):
        part = "train" if p <= 8 else "valid"
        for study in (1, 2):
            for n, view in enumerate(("frontal", "lateral")[: 3 - study], 1):
                place = f"{part}/patient{p:05d}/study{study}/view{n}_{view}.jpg"
                picture(root / place, 10 * p + 2 * study + n, colour=False)
                tables[part].append(_row(f"{name}/{place}", view))
    for part, rows in tables.items():
        text(root / f"{part}.csv", HEADER, *rows)
    return root


def test_labels_studies_and_views(tmp_path: Path) -> None:
    _folder(tmp_path / "set" / "CheXpert-v1.0-small")
    import_chexpert(tmp_path / "set", tmp_path / "out")
    cohort = begins(tmp_path / "out")
    cases = {c.case: c for c in cohort}
    assert len(cases) == 33 and cohort.findings == FINDINGS
    case = cases["patient00003-study1-view2_lateral"]
    assert (case.patient, case.visit) == ("patient00003", "1")
    assert list(case.findings.values())[:5] == [1, None, -1, 0, None]
    assert case.attributes["view"] == "lateral" and case.attributes["projection"] == ""
    assert cases["patient00003-study2-view1_frontal"].attributes["projection"] == "AP"
    assert case.attributes["age"] == "68" and case.attributes["sex"] == "Female"
    assert {c.patient for c in cohort.split("test")} == {f"patient{p:05d}" for p in (9, 10, 11)}
    assert all(len({c.split for c in cohort if c.patient == p}) == 1 for p in {c.patient for c in cohort})
    assert "official validation part" in task_of(tmp_path / "out")["source"]["note"]


def test_batches_and_the_later_test_part(tmp_path: Path) -> None:
    """The original lies in batches; validation and test stay what they are."""
    folder = _folder(tmp_path / "made", "CheXpert-v1.0")
    batches = tmp_path / "set"
    (batches / "CheXpert-v1.0 batch 1 (validate & csv)").mkdir(parents=True)
    for name in ("train.csv", "valid.csv", "valid"):
        (folder / name).rename(batches / "CheXpert-v1.0 batch 1 (validate & csv)" / name)
    for n, batch in ((range(1, 5), "CheXpert-v1.0 batch 2 (train 1)"), (range(5, 9), "batch 3 (train 2)")):
        (batches / batch).mkdir()
        for p in n:
            (folder / f"train/patient{p:05d}").rename(batches / batch / f"patient{p:05d}")
    place = "test/patient00020/study1/view1_frontal.jpg"
    picture(batches / place, 999, colour=False)
    text(
        batches / "CheXpert-v1.0 batch 1 (validate & csv)" / "test_labels.csv",
        ",".join(("Path", *FINDINGS)),
        f"{place},{VALUES}",
    )
    import_chexpert(batches, tmp_path / "out")
    cohort = begins(tmp_path / "out")
    assert {c.patient for c in cohort.split("test")} == {"patient00020"}
    assert {c.patient for c in cohort.split("val")} == {f"patient{p:05d}" for p in (9, 10, 11)}
    assert cohort.split("test")[0].attributes["age"] == ""


def _again(folder: Path) -> None:
    lines = (folder / "valid.csv").read_text().splitlines()
    text(folder / "valid.csv", *lines, lines[-1])


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "no image",
            gone("train/patient00002/study2/view1_frontal.jpg"),
            "lists 1 of 33 images .*patient00002/study2/view1_frontal.jpg",
        ),
        fault(
            "unlisted",
            added("train/patient00002/study3/view1_frontal.jpg"),
            "holds 1 images .*patient00002/study3",
        ),
        fault(
            "value",
            edited("train.csv", ",-1.0,", ",2.0,"),
            "Cardiomegaly is '2.0', expected 1.0, 0.0, -1.0 or nothing",
        ),
        fault(
            "path",
            edited("train.csv", "patient00001/study1", "pat1/study1"),
            "Path is .*expected an end such as patient00001/study1",
        ),
        fault("twice", _again, "more than one row"),
        fault("no table", gone("valid.csv"), "has no valid.csv"),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _folder(tmp_path / "set")
    damage(folder)
    refused(import_chexpert, folder, said, **options)


def test_two_versions_side_by_side(tmp_path: Path) -> None:
    _folder(tmp_path / "set" / "CheXpert-v1.0")
    _folder(tmp_path / "set" / "CheXpert-v1.0-small")
    refused(import_chexpert, tmp_path / "set", "each with a train.csv; import one of them")
