"""The visits of a patient, in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from overread.cohort.case import Case

CLOCKS = ("date", "days", "visit")


def by_patient(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The cases of every patient, in the table's order."""
    out: dict[str, list[Case]] = defaultdict(list)
    for c in cases:
        out[c.patient].append(c)
    return dict(out)


def when(case: Case, clock: str) -> float | None:
    """The time of a case by one ``clock``: ``date`` and ``days`` in days, ``visit`` as a number; None if not told."""
    if clock == "date":
        return float(case.date.toordinal()) if case.date else None
    if clock == "days":
        return case.days
    try:
        return float(case.visit) if case.visit else None
    except ValueError:
        return None


def clock_of(cases: Sequence[Case]) -> str | None:
    """The first of `CLOCKS` that tells the time of all these cases; None where none does."""
    return next((k for k in CLOCKS if all(when(c, k) is not None for c in cases)), None)


def in_order(cases: Sequence[Case]) -> list[Case]:
    """The cases of one patient by time; as they stand where no clock tells the time of all."""
    clock = clock_of(cases)
    return list(cases) if clock is None else sorted(cases, key=lambda c: when(c, clock) or 0.0)
