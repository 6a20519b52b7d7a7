"""How the labels are spread over the splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from overread.cohort.checks.inspection import Inspection
from overread.cohort.checks.presence import Presence
from overread.cohort.finding import FEW, Finding, some
from overread.cohort.splits.parts import SPLITS


def class_counts(inspections: Sequence[Inspection], presence: Presence) -> dict[str, dict[str, int]]:
    """Cases per split that show each label."""
    splits = np.array([s.case.split for s in inspections])
    return {
        split: {name: int(presence.shows(name)[splits == split].sum()) for name in presence.labels}
        for split in SPLITS
    }


def check_balance(inspections: Sequence[Inspection], presence: Presence) -> list[Finding]:
    """How many cases of each label every split has; a warning where there are fewer than five.

    Where a label is not stated of every case, the number of those of whom it is stands beside it.
    """
    if not presence.labels:
        return []
    splits = np.array([s.case.split for s in inspections])
    findings = []
    for split, counts in class_counts(inspections, presence).items():
        here = splits == split
        total = int(here.sum())
        if total and all(s.case.sealed for s in inspections if s.case.split == split):
            message = f"{split}: {total} cases, whose truth is sealed"
            findings.append(Finding("class.balance", "info", message))
            continue
        stated = {name: int(presence.stated(name)[here].sum()) for name in counts}
        shown = ", ".join(
            f"{name} {n}" + (f" of {stated[name]} stated" if stated[name] < total else "")
            for name, n in counts.items()
        )
        findings.append(Finding("class.balance", "info", f"{split}: {total} cases: {shown}"))
        few = [f"{name} ({n})" for name, n in counts.items() if n < FEW]
        if few:
            message = f"{split}: fewer than {FEW} cases of {some(few)}; results for them will say little"
            findings.append(Finding("class.few", "warning", message))
    return findings
