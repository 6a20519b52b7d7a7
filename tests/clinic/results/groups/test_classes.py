"""Classes in the SR: probabilities, the decision, and of ordered grades the call of the positive grade or higher."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from tests.clinic.outside import dicom_errors
from tests.clinic.results.content import coded, groups, items, numbers
from tests.clinic.results.made import objects
from tests.clinic.site import write_ordinal, write_series

PRESENT = ("SCT", "52101004")


def test_grades_state_the_positive_one_or_higher(tmp_path: Path) -> None:
    package = write_ordinal(tmp_path / "p.overread")
    made = objects(package, write_series(tmp_path / "in"), tmp_path)["sr"]
    assert dicom_errors(made) == []
    found = groups(dcmread(made))
    group = found["grades of brightness classification"]
    measured = numbers(group)
    probabilities = [measured[f"Probability of grade {k}"][0] for k in range(3)]
    assert abs(sum(probabilities) - 1) < 1e-5
    higher, unit = measured["Probability of grade 1 or higher"]
    assert abs(higher - sum(probabilities[1:])) < 1e-5 and unit == "1"
    assert coded(group, "grade 1 or higher") == [PRESENT]
    said = " ".join(str(i.TextValue) for i in items(group) if "TextValue" in i)
    assert "threshold 0.4 on the probability of grade 1 or higher, rule: youden" in said
