"""Findings: uncertain and unstated ones are ruled once, count nowhere, and each must be stated both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overread.cohort.case import Case
from overread.cohort.checks.balance import check_balance, class_counts
from overread.cohort.checks.inspection import Inspection
from overread.cohort.checks.presence import presence_of
from overread.cohort.checks.subgroups import groups
from overread.cohort.cohort import Cohort
from overread.cohort.truth import labels as findings
from overread.cohort.truth.labels import ruled
from overread.cohort.truth.protocol import Shown
from overread.errors import InputError
from overread.imaging.image import Image

X = {"image": Path("x.png")}
IMAGE = Image(np.zeros((1, 4, 4)), np.eye(4))
TABLE = """case,patient,split,image,label_mass,label_fluid
a,1,train,x.png,1,
b,2,val,x.png,-1,0
c,3,test,x.png,0,1
"""


def _case(n: int, split: str, mass: int | None) -> Case:
    return Case(f"c{n}", f"p{n}", X, split=split, findings={"mass": mass})


def _cohort(*states: int | None) -> Cohort:
    return Cohort(Path(), tuple(_case(i, "train", s) for i, s in enumerate(states)))


def _states(cohort: Cohort) -> list[int | None]:
    return [c.findings["mass"] for c in cohort]


@pytest.mark.parametrize(
    ("uncertain", "missing", "expected"),
    [
        ("ignore", "ignore", [1, 0, None, None]),
        ("as_0", "ignore", [1, 0, 0, None]),
        ("as_1", "ignore", [1, 0, 1, None]),
        ("ignore", "as_0", [1, 0, None, 0]),
        ("ignore", "as_1", [1, 0, None, 1]),
        ("as_1", "as_0", [1, 0, 1, 0]),
    ],
)
def test_rules(uncertain: findings.Rule, missing: findings.Rule, expected: list[int | None]) -> None:
    cohort = _cohort(1, 0, -1, None)
    done = ruled(cohort, uncertain=uncertain, missing=missing)
    assert _states(done) == expected
    assert _states(cohort) == [1, 0, -1, None]


def test_ruled_twice_and_unknown_rules() -> None:
    cohort = ruled(_cohort(1, 0, -1, None))
    assert ruled(cohort) == cohort and _states(cohort) == [1, 0, None, None]
    with pytest.raises(ValueError, match="uncertain is 'as_2', expected one of ignore, as_0, as_1"):
        ruled(cohort, uncertain="as_2")  # type: ignore[arg-type]
    bare = Cohort(Path(), (Case("a", "a", X),))
    assert ruled(bare, missing="as_1") == bare


def test_values_are_read_in_the_order_of_the_labels() -> None:
    case = Case("a", "a", X, findings={"mass": -1, "fluid": None, "air": 1, "bone": 0})
    found = findings.read(case, IMAGE, ["bone", "air", "fluid", "mass"])
    assert isinstance(found, np.ndarray) and found.dtype == np.float64
    np.testing.assert_array_equal(found, [0, 1, np.nan, np.nan])
    with pytest.raises(
        InputError, match=r"has no finding 'node'; expected a column 'label_node', found label_mass"
    ):
        findings.read(case, IMAGE, ["node"])


def test_the_table_needs_a_column_for_each_label(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    (tmp_path / "cohort.csv").write_text(TABLE)
    cohort = Cohort.read(tmp_path, need=findings.COLUMN, labels=["fluid"])
    assert cohort.findings == ("mass", "fluid") == tuple(findings.infer(cohort.cases))
    with pytest.raises(InputError, match=r"cohort\.csv: no column 'label_air'; found case, patient"):
        Cohort.read(tmp_path, need=findings.COLUMN, labels=["mass", "air"])


def _faults(states: dict[str, list[int | None]]) -> dict[str, list[str]]:
    cases = [
        (_case(100 * k + i, split, state), Shown())
        for k, (split, values) in enumerate(states.items())
        for i, state in enumerate(values)
    ]
    out: dict[str, list[str]] = {}
    for finding in findings.faults(cases, ["mass"]):
        out.setdefault(finding.severity, []).append(finding.message)
    return out


def test_each_finding_is_stated_both_ways_in_train_and_test() -> None:
    both: list[int | None] = [1] * 5 + [0] * 5
    assert _faults({"train": both, "val": both, "test": both}) == {}
    said = _faults({"train": [0] * 9 + [None], "val": both, "test": [1] * 6 + [-1]})
    (blocking,) = said["blocking"]
    assert blocking.startswith(
        "finding 'mass' is present in no case of train (10 cases, 0 stated present, 9 absent); it cannot be learned"
    )
    assert said["warning"][0] == (
        "finding 'mass' is absent in no case of test (7 cases, 6 stated present, 0 absent); its area and one of its "
        "rates cannot be measured"
    )
    assert said["info"] == [
        "of 27 cases, left out of every count, loss and metric of a finding: mass 1 uncertain and 1 not stated"
    ]
    # Tuning does without: its operating point is then not fixed, which is no fault of the table.
    said = _faults({"train": both, "val": [1], "test": both})
    assert "blocking" not in said and said["warning"] == [
        "val: fewer than 5 cases are stated to lack mass (0); their results will say little"
    ]
    assert "present and absent in no case of train" in _faults({"train": [None], "test": both})["blocking"][0]


def test_unstated_cases_count_nowhere() -> None:
    states = [1, 1, 0, -1, None]
    inspections = [Inspection(_case(i, "test", s)) for i, s in enumerate(states)]
    presence = presence_of(inspections, truth="labels", labels=["mass"])
    np.testing.assert_array_equal(presence.values[:, 0], [1, 1, 0, np.nan, np.nan])
    assert presence.stated("mass").tolist() == [True, True, True, False, False]
    assert class_counts(inspections, presence)["test"] == {"mass": 2}
    (balance,) = (f.message for f in check_balance(inspections, presence) if f.message.startswith("test: 5"))
    assert balance == "test: 5 cases: mass 2 of 3 stated"
    (group,) = groups(inspections, presence)
    assert group.cases["test"] == 2 and group.patients == 2


def test_what_the_rules_do_is_said_before_they_are_applied() -> None:
    cohort = Cohort(Path(), tuple(_case(i, "train", state) for i, state in enumerate([1, 0, -1, None, None])))
    said = [f.message for f in findings.ruling(cohort, ["mass"], uncertain="as_0", missing="ignore")]
    assert said == [
        "findings that are uncertain are taken as absent, as the protocol rules: mass 1 cases",
        "findings that are not stated are left out of every number, as the protocol rules: mass 2 cases",
    ]
    assert not findings.ruling(
        findings.ruled(cohort, uncertain="as_0", missing="as_1"), ["mass"], uncertain="as_0", missing="as_1"
    )
