"""Every number of a report has one id, made of what it is about."""

from __future__ import annotations

import pytest

from overread.errors import InputError
from overread.ledger.figures import figure_id, figures_of, find, named

ROW = {
    "metric": "sensitivity",
    "label": "a/b",
    "estimate": 0.875,
    "low": 0.8,
    "high": 0.93,
    "unit": "of cases",
}
REPORT = {
    "test": [
        {"metric": "auroc", "label": None, "estimate": 0.91, "low": 0.9, "high": 0.92, "unit": "area"},
        ROW,
    ],
    "endpoints": [{"metric": "auroc", "goal": 0.8, "estimate": 0.91, "low": 0.9, "high": 0.92, "met": True}],
    "subgroups": [
        ROW | {"attribute": "sex", "group": "F"},
        ROW | {"attribute": "sex", "group": "M", "estimate": 0.5},
    ],
    "cases": {"test": {"patients": 12}},
    "history": [{"epoch": 1, "loss": -0.25}],
    "virtual": True,
    "name": "7",
}


def test_ids_say_what_a_figure_is_about_and_are_there_once() -> None:
    ids = [f.id for f in figures_of(REPORT | {"beside": [ROW, ROW]})]
    assert ids == [
        *("test/auroc", "test/sensitivity/a~1b", "endpoints/auroc", "subgroups/sex/F/sensitivity/a~1b"),
        *("subgroups/sex/M/sensitivity/a~1b", "cases/test/patients", "history/1/epoch", "history/1/loss"),
        *("beside/sensitivity/a~1b", "beside/sensitivity/a~1b~2"),
    ]
    assert figure_id("subgroups", REPORT["subgroups"][0]) == ids[3]  # type: ignore[index]


def test_an_id_stays_when_rows_are_added_before_it() -> None:
    more = REPORT | {"test": [ROW | {"label": "new"}, *REPORT["test"]]}  # type: ignore[misc]
    assert {f.id for f in figures_of(REPORT)} < {f.id for f in figures_of(more)}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("test/auroc", "test/auroc"),
        ("M/sensitivity/a~1b", "subgroups/sex/M/sensitivity/a~1b"),
        ("0.910", "test/auroc"),  # the goal repeats it
        ("91%", "test/auroc"),
        ("12", "cases/test/patients"),
        ("\u22120.25", "history/1/loss"),
    ],
)
def test_a_figure_is_found_by_its_id_its_end_or_its_printed_value(asked: str, found: str) -> None:
    assert find(figures_of(REPORT), asked).id == found


def test_what_is_no_figure_or_several_is_said() -> None:
    figures = figures_of(REPORT)
    with pytest.raises(InputError, match="no figure of the report has this id or value; perhaps test/auroc"):
        find(figures, "auroc/lesion")
    with pytest.raises(
        InputError, match="2 figures of the report are that: cases/val/images, cases/val/patients"
    ):
        find(figures_of({"cases": {"val": {"images": 4, "patients": 4}}}), "4")


def test_a_name_with_a_slash_or_a_tilde_is_told_from_another() -> None:
    for name in ("a/b", "a~1b", "~", "a~0/b"):
        assert named(figure_id("x", {"group": name}).removeprefix("x/")) == name
