"""Rows of workitems, and the states that one may be in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from overread.clinic.results.uids import derived_uid


class StepState(StrEnum):
    """Procedure Step State (0074,1000)."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


@dataclass(frozen=True)
class Workitem:
    """A row. ``transaction`` is known to nobody but who has claimed it; ``performer`` is that client's name."""

    uid: str
    study_uid: str
    run: str
    label: str
    comment: str
    state: StepState
    created: str
    updated: str
    transaction: str = ""
    performer: str = ""
    reason: str = ""


def workitem_uid(run: str) -> str:
    """The same run always has the same workitem."""
    return str(derived_uid("workitem", run))
