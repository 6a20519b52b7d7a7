"""Table 1, and which test cases have a copy in training."""

from __future__ import annotations

from pathlib import Path

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.pipeline.report.people import copied, table_one


def _cohort(folder: Path) -> Cohort:
    lines = ["case,patient,image,label,split,age,sex"]
    for i, (patient, split, age, sex) in enumerate(
        [
            ("a", "train", "40", "f"),
            ("a", "train", "", "f"),
            ("b", "train", "60", "m"),
            ("c", "val", "unknown", ""),
            ("d", "test", "71", "m"),
        ]
    ):
        (folder / f"{i}.png").write_bytes(b"")
        lines.append(f"c{i},{patient},{i}.png,{'yes' if i % 2 else 'no'},{split},{age},{sex}")
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")
    return Cohort.read(folder, need=None)


def test_patients_are_counted_and_not_images(tmp_path: Path) -> None:
    groups = [{"attribute": "all", "class": "yes", "cases": {"train": 1, "val": 1}}]
    lines = {line.pop("name"): line for line in table_one(_cohort(tmp_path), {"groups": groups})}
    assert lines["Patients"] == {"train": "2", "val": "1", "test": "1"}
    assert lines["Images"] == {"train": "3", "val": "1", "test": "1"}
    ages = lines["Age, years, median (range)"]
    assert ages["train"] == "50 (40 to 60)" and ages["val"] == "–; 1 not stated"
    assert lines["Sex: f"]["train"] == "1 (50%)" and lines["Sex: m"]["test"] == "1 (100%)"
    assert lines["Sex: not stated"]["val"] == "1 (100%)"
    assert lines["Images with yes"] == {"train": "1", "val": "1", "test": "0"}


def test_only_test_cases_with_a_copy_elsewhere_count() -> None:
    cases = [Case(f"t{i}", f"p{i}", {}) for i in range(4)]
    check = {
        "findings": [
            {"code": "leakage.near", "cases": ["r1", "t1"], "pairs": [["r1", "t1"]]},
            {"code": "leakage.near", "cases": ["r1", "v2"], "pairs": [["r1", "v2"]]},
            {"code": "duplicate.near", "cases": ["t2", "t3"], "pairs": [["t2", "t3"]]},
            "a finding of text alone",
        ]
    }
    assert copied(cases, check) == {"t1"} and copied(cases, {}) == set()
