"""A number in the SR: its UCUM unit, the limits of its interval, or the reason why there is none."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from tests.clinic.outside import dicom_errors
from tests.clinic.results.content import groups, items, numbers
from tests.clinic.results.made import objects
from tests.clinic.site import write_regression, write_series

from overread.clinic.results.codes import unit
from overread.runtime.manifest import Calibration

NAME = "age of brightness age"


def test_value_with_its_unit_and_limits(tmp_path: Path) -> None:
    made = objects(write_regression(tmp_path / "p.overread"), write_series(tmp_path / "in"), tmp_path)["sr"]
    assert dicom_errors(made) == []
    found = numbers(groups(dcmread(made))[NAME])
    value, symbol = found["age"]
    assert symbol == "a" and 0 < value < 120
    low, high = (found[f"{side} limit of 90% prediction interval"] for side in ("Lower", "Upper"))
    assert low[1] == high[1] == "a" and low[0] < value < high[0] <= 120


def test_without_an_interval_the_report_says_why(tmp_path: Path) -> None:
    why = "5 tuning patients are too few for an interval, expected 9"
    package = write_regression(tmp_path / "p.overread", calibration=Calibration(reasons={"age": why}))
    made = objects(package, write_series(tmp_path / "in"), tmp_path)["sr"]
    assert dicom_errors(made) == []
    group = groups(dcmread(made))[NAME]
    assert list(numbers(group)) == ["age"]
    assert f"no prediction interval: {why}" in [str(i.TextValue) for i in items(group) if "TextValue" in i]


def test_units_of_packages_are_coded_by_their_symbol() -> None:
    assert (unit("a").value, unit("a").meaning) == ("a", "years")
    assert (unit("mg/dL").value, unit("mg/dL").scheme_designator) == ("mg/dL", "UCUM")
    assert unit("ml").meaning == "milliliter"
