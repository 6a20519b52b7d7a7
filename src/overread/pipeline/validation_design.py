"""The validation design that a protocol states, held against the table: what sets the test's patients apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import model_validator

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.finding import Finding, some
from overread.settings import Strict

SITE = "site"


class ValidationDesign(Strict):
    """``kind``: ``internal`` (patients held out), ``temporal`` (the test's images were all made later, by the column
    date) or ``external`` (the test's patients are of values of ``column``, the site without it, that training and
    tuning never saw)."""

    kind: Literal["internal", "temporal", "external"]
    column: str | None = None

    @model_validator(mode="after")
    def _column(self) -> ValidationDesign:
        if self.column is not None and self.kind != "external":
            raise ValueError(f"column: only an external design has one; take it out for {self.kind}")
        return self


def design_findings(design: ValidationDesign | None, cohort: Cohort) -> list[Finding]:
    """A blocking finding where the table does not fit the design; nothing without one."""
    if design is None or design.kind == "internal":
        return []
    test = list(cohort.split("test"))
    rest = [c for c in cohort if c.split != "test"]
    if design.kind == "temporal":
        return _temporal(test, rest)
    return _external(test, rest, design.column or SITE)


def _temporal(test: Sequence[Case], rest: Sequence[Case]) -> list[Finding]:
    undated = [c.case for c in (*test, *rest) if c.date is None]
    if undated:
        return [
            _blocking(
                "temporal", f"column date is empty for {some(undated)}; every case needs its day", undated
            )
        ]
    last = max(c.date for c in rest if c.date is not None)
    early = [c for c in test if c.date is not None and c.date <= last]
    if not early:
        return []
    message = (
        f"{len(early)} of {len(test)} test cases ({some([c.case for c in early])}) are not later than the last of "
        f"training and tuning, {last}; leave their rows out, or split by time before anything is tested: overread "
        "split DIR --method temporal"
    )
    return [_blocking("temporal", message, [c.case for c in early])]


def _external(test: Sequence[Case], rest: Sequence[Case], column: str) -> list[Finding]:
    values = {c.case: c.attributes.get(column, "").strip() for c in (*test, *rest)}
    unknown = [case for case, value in values.items() if not value]
    if unknown:
        return [_blocking("external", f"column {column} is missing or empty for {some(unknown)}", unknown)]
    seen = {values[c.case] for c in rest}
    shared = sorted({values[c.case] for c in test} & seen)
    if not shared:
        return []
    how = "overread split DIR --method site --test-site NAME" if column == SITE else f"a split by {column}"
    message = (
        f"{column} {some(shared)} gave cases to the test and to training or tuning; leave those rows out, or keep its "
        f"patients together before anything is tested: {how}"
    )
    return [_blocking("external", message, [c.case for c in test if values[c.case] in shared])]


def _blocking(kind: str, text: str, cases: Sequence[str]) -> Finding:
    return Finding(f"design.{kind}", "blocking", f"protocol.yaml: design: {kind}: {text}", tuple(cases))
