"""The validation design of a protocol, held against the table."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.pipeline.validation_design import ValidationDesign, design_findings


def _cohort(rows: list[tuple[str, str, str]]) -> Cohort:
    """Cases of (split, scanner, day)."""
    cases = [
        Case(
            f"c{k}",
            f"p{k}",
            {"image": Path("x.png")},
            split=split,
            attributes={"scanner": scanner} if scanner else {},
            date=date.fromisoformat(day) if day else None,
        )
        for k, (split, scanner, day) in enumerate(rows)
    ]
    return Cohort(Path(), tuple(cases))


APART = [("train", "A", "2020-01-01"), ("val", "B", "2020-06-01"), ("test", "C", "2020-06-02")]


@pytest.mark.parametrize(
    "design", [{"kind": "internal"}, {"kind": "temporal"}, {"kind": "external", "column": "scanner"}]
)
def test_a_table_that_fits(design: dict[str, str]) -> None:
    assert design_findings(ValidationDesign(**design), _cohort(APART)) == []  # type: ignore[arg-type]
    assert design_findings(None, _cohort(APART)) == []


@pytest.mark.parametrize(
    ("design", "more", "said", "cases"),
    [
        # The day of the last tuning case is not later than itself.
        ({"kind": "temporal"}, ("test", "C", "2020-06-01"), "1 of 2 test cases (c3) are not later", ("c3",)),
        ({"kind": "temporal"}, ("train", "A", ""), "date is empty for c3", ("c3",)),
        (
            {"kind": "external", "column": "scanner"},
            ("test", "A", ""),
            "scanner A gave cases to the test",
            ("c3",),
        ),
        (
            {"kind": "external", "column": "scanner"},
            ("test", "", ""),
            "scanner is missing or empty for c3",
            ("c3",),
        ),
        ({"kind": "external"}, ("test", "C", ""), "site is missing or empty for", ("c2", "c0", "c1", "c3")),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    design: dict[str, str], more: tuple[str, str, str], said: str, cases: tuple[str, ...]
) -> None:
    (found,) = design_findings(ValidationDesign(**design), _cohort([*APART, more]))  # type: ignore[arg-type]
    assert found.severity == "blocking" and found.message.startswith(
        f"protocol.yaml: design: {design['kind']}: "
    )
    assert said in found.message and set(found.cases) == set(cases)


def test_only_an_external_design_has_a_column() -> None:
    with pytest.raises(ValidationError, match="only an external design has one"):
        ValidationDesign(kind="temporal", column="site")
