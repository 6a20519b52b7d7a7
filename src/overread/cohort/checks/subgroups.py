"""Balance: classes by split, site, sex and age, and what the smallest of these groups can prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from overread.cohort.checks.inspection import Inspection
from overread.cohort.checks.presence import Presence
from overread.cohort.finding import Finding
from overread.cohort.groups import AGES, NOT_STATED, groups_of
from overread.cohort.splits.parts import SPLITS
from overread.stats.intervals import proportion_ci

SENSITIVITY = 0.9


@dataclass(frozen=True)
class Group:
    """Test patients of one group that show one class. ``low`` and ``high`` are the limits (Wilson, 95%) that a
    sensitivity has when 90% of so many patients, to the whole, are found; None where there is none."""

    attribute: str
    value: str
    label: str
    cases: dict[str, int]
    patients: int
    low: float | None
    high: float | None

    @property
    def found(self) -> int:
        """90% of the patients, to the whole."""
        return round(SENSITIVITY * self.patients)

    @property
    def width(self) -> float:
        """Of the interval; 1 where there is nobody."""
        return 1.0 if self.low is None or self.high is None else self.high - self.low

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        return {
            "attribute": self.attribute,
            "group": self.value,
            "class": self.label,
            "cases": self.cases,
            "test_patients": self.patients,
            "found": self.found,
            "sensitivity_interval": None if self.low is None else [self.low, self.high],
        }


def groups(
    inspections: Sequence[Inspection], presence: Presence, *, ages: Sequence[float] = AGES
) -> list[Group]:
    """Every label in all cases, and in each site, sex and age band that the table names; ``ages`` part the bands."""
    everyone = np.arange(len(inspections))
    members = [("all", "all", everyone)]
    present = {k for s in inspections for k in s.case.attributes}
    for name in ("sex", "age", "site"):
        if name in present:
            values = [s.case.attributes.get(name, "") for s in inspections]
            found = groups_of(values, ages if name == "age" else None)
            members += [(name, value, of) for value, of in found.items() if value != NOT_STATED]
    out = []
    for attribute, value, of in members:
        for label in presence.labels:
            here = [
                inspections[i] for i in np.intersect1d(of, np.flatnonzero(presence.shows(label))).tolist()
            ]
            cases = {split: sum(int(s.case.split == split) for s in here) for split in SPLITS}
            n = len({s.case.patient for s in here if s.case.split == "test"})
            interval = proportion_ci(round(SENSITIVITY * n), n) if n else None
            limits = (interval.low, interval.high) if interval else (None, None)
            out.append(Group(attribute, value, label, cases, n, *limits))
    return out


def check_subgroups(found: Sequence[Group]) -> list[Finding]:
    """What a test on the smallest group can prove, as a fact: the width of its interval."""
    findings = []
    empty = [g for g in found if not g.patients and any(g.cases.values())]
    # Of a sealed test nobody knows which groups it has.
    if empty and len(empty) < len(found):
        named = ", ".join(f"{g.attribute} {g.value} with {g.label}" for g in empty[:3])
        rest = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
        message = f"groups without a test patient, of which the test says nothing: {named}{rest}"
        findings.append(Finding("subgroup.untested", "info", message))
    tested = [g for g in found if g.patients]
    if tested:
        smallest = min(tested, key=lambda g: g.patients)
        where = "" if smallest.attribute == "all" else f"{smallest.attribute} {smallest.value} with "
        who = f"{where}{smallest.label}"
        people = f"{smallest.patients} patient{'' if smallest.patients == 1 else 's'}"
        message = (
            f"the smallest group of the test, {who}, has {people}: a share of {smallest.found} of them has a 95% "
            f"interval from {smallest.low:.2f} to {smallest.high:.2f}, {smallest.width:.2f} wide"
        )
        findings.append(Finding("subgroup.smallest", "info", message))
    return findings
