"""What sets the test apart, and how readers agreed: read off the table."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.pipeline.report.design import design_of
from overread.pipeline.report.readings import readings_of


def _cohort(rows: list[tuple[str, str, str]]) -> Cohort:
    """Cases of (split, site, day)."""
    cases = [
        Case(
            f"c{k}",
            f"p{k}",
            {"image": Path("x.png")},
            split=split,
            attributes={"site": site} if site else {},
            date=date.fromisoformat(day) if day else None,
        )
        for k, (split, site, day) in enumerate(rows)
    ]
    return Cohort(Path(), tuple(cases))


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([("train", "A", ""), ("val", "B", ""), ("test", "C", "")], "external"),
        # One case of the test from a site of training, or of no stated site: not external.
        ([("train", "A", ""), ("val", "B", ""), ("test", "C", ""), ("test", "A", "")], "internal"),
        ([("train", "A", ""), ("val", "B", ""), ("test", "C", ""), ("test", "", "")], "internal"),
        ([("train", "", "2020-01-01"), ("val", "", "2020-06-01"), ("test", "", "2021-01-01")], "temporal"),
        ([("train", "", "2020-01-01"), ("val", "", "2021-06-01"), ("test", "", "2021-01-01")], "internal"),
        ([("train", "", "2020-01-01"), ("val", "", ""), ("test", "", "2021-01-01")], "internal"),
    ],
)
def test_a_design_is_what_the_table_shows(rows: list[tuple[str, str, str]], kind: str) -> None:
    assert design_of(_cohort(rows))["kind"] == kind


def _read(*said: tuple[str, str, str]) -> Cohort:
    """Cases of (label, first reader, second reader)."""
    cases = [
        Case(
            f"c{k}",
            f"p{k}",
            {"image": Path("x.png")},
            label=label,
            split="test",
            readings={name: text for name, text in (("reader_a", a), ("reader_b", b)) if text},
        )
        for k, (label, a, b) in enumerate(said)
    ]
    return Cohort(Path(), tuple(cases))


def test_agreement_of_two_readers_is_cohens_kappa() -> None:
    """20 both yes, 15 both no, 5 and 10 apart: (.70 - .50) / (1 - .50)."""
    table = [("y", "y", "y")] * 20 + [("y", "y", "n")] * 5 + [("n", "n", "y")] * 10 + [("n", "n", "n")] * 15
    told = readings_of(_read(*table))
    kappa = next(r for r in told["agreement"] if r["name"].startswith("Cohen"))
    assert kappa["estimate"] == pytest.approx(0.4)
    assert (told["readers"], told["cases"]) == (2, 50)
    assert told["rule"] == "the majority of the readers"


def test_a_label_against_the_readers_is_told() -> None:
    told = readings_of(_read(("n", "y", "y"), ("n", "n", "n"), ("y", "y", "n")))
    assert "differs from the majority of the readers in 1 cases" in told["rule"]


def test_one_reader_agrees_with_nobody() -> None:
    assert readings_of(_read(("y", "y", ""), ("n", "n", ""))) == {}
