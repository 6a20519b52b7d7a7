"""The truth of multi-label classification: columns ``label_<name>``, one per finding, present or not each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.columns import FINDINGS, LABELS
from overread.cohort.finding import FEW, Finding, Severity, some
from overread.cohort.splits.parts import SPLITS
from overread.cohort.truth.protocol import Regions, Shown, TruthValue
from overread.errors import InputError
from overread.imaging.image import Image

COLUMN = FINDINGS
UNSURE = True
UNCERTAIN = -1
Rule = Literal["ignore", "as_0", "as_1"]
RULES: Mapping[str, int | None] = {"ignore": None, "as_0": 0, "as_1": 1}
STATES: Mapping[int | None, bool] = {1: True, 0: False}
ONE_SIDED: Mapping[str, tuple[Severity, str]] = {
    "train": ("blocking", "it cannot be learned: drop it from the labels, add cases or move patients"),
    "test": ("warning", "its area and one of its rates cannot be measured"),
}
"""What a finding without cases of both kinds means in a split; tuning does without."""


def ruled(cohort: Cohort, *, uncertain: Rule = "ignore", missing: Rule = "ignore") -> Cohort:
    """The cohort with every uncertain (-1) and every unstated (empty) finding as the protocol rules them.

    ``ignore`` leaves the finding of that case out of loss, calibration, metrics and counts; ``as_0`` takes it as
    absent, ``as_1`` as present (Irvin et al., AAAI 2019;33:590-597, compare these for CheXpert). Afterwards a finding
    is 1, 0 or None. Raises ValueError for another rule.
    """
    for name, rule in (("uncertain", uncertain), ("missing", missing)):
        if rule not in RULES:
            raise ValueError(f"{name} is {rule!r}, expected one of {', '.join(RULES)}")
    become = {UNCERTAIN: RULES[uncertain], None: RULES[missing]}
    cases = tuple(
        c
        if c.sealed
        else replace(c, findings={name: become.get(value, value) for name, value in c.findings.items()})
        for c in cohort
    )
    return replace(cohort, cases=cases)


def ruling(cohort: Cohort, labels: Sequence[str], *, uncertain: Rule, missing: Rule) -> list[Finding]:
    """What `ruled` does to a cohort as it was read: how many of ``labels`` are uncertain or not stated, and how these
    count from here on. Nothing where all are stated."""
    found = []
    for what, state, rule in (("uncertain", UNCERTAIN, uncertain), ("not stated", None, missing)):
        counts = {name: sum(c.findings.get(name) == state for c in cohort if not c.sealed) for name in labels}
        told = [f"{name} {n}" for name, n in counts.items() if n]
        if told:
            becomes = {
                "ignore": "left out of every number",
                "as_0": "taken as absent",
                "as_1": "taken as present",
            }
            message = f"findings that are {what} are {becomes[rule]}, as the protocol rules: {', '.join(told)} cases"
            found.append(Finding("finding.ruled", "info", message))
    return found


def stated(case: Case) -> bool:
    """Whether the table has columns of findings; every one of them may be empty."""
    return bool(case.findings)


def read(case: Case, image: Image, labels: Sequence[str]) -> TruthValue:
    """``(findings,)`` float64 in the order of ``labels``: 1, 0, and NaN for what is uncertain or not stated.

    Raises InputError for a finding without a column.
    """
    absent = [name for name in labels if name not in case.findings]
    if absent:
        raise InputError(
            f"case {case.case}: has no finding {absent[0]!r}; expected a column '{LABELS}{absent[0]}', found "
            f"{', '.join(LABELS + n for n in case.findings) or 'no such column'}"
        )
    values = [case.findings[name] for name in labels]
    return np.array([np.nan if v not in (0, 1) else v for v in values], dtype=np.float64)


def look(case: Case, image: Image, labels: Sequence[str]) -> Shown:
    """The findings that are present, counted once each."""
    return Shown({name: 1 for name, value in case.findings.items() if value == 1})


def presence(case: Case, shown: Shown, labels: Sequence[str]) -> Mapping[str, bool | None]:
    """True, False, and None where a finding is uncertain or not stated: such a case is no case without it."""
    return {name: STATES.get(case.findings.get(name)) for name in labels}


def faults(cases: Sequence[tuple[Case, Shown]], labels: Sequence[str]) -> list[Finding]:
    """A finding that no case has, or that none is stated to lack: blocking in train, a warning in test.

    A warning where fewer than five are stated to lack it: specificity would say little. A count of the uncertain and
    unstated as a fact.
    """
    findings = []
    for split in SPLITS:
        here = [c for c, _ in cases if c.split == split]
        if not here:
            continue
        few = []
        for name in labels:
            values = [c.findings.get(name) for c in here]
            counts = {state: sum(v == state for v in values) for state in (1, 0)}
            missing = [state for state, n in counts.items() if not n]
            if missing and split in ONE_SIDED:
                severity, so = ONE_SIDED[split]
                message = (
                    f"finding {name!r} is {' and '.join('present' if s else 'absent' for s in missing)} in no case "
                    f"of {split} ({len(here)} cases, {counts[1]} stated present, {counts[0]} absent); {so}"
                )
                findings.append(Finding("finding.one_sided", severity, message))
            elif counts[0] < FEW:
                few.append(f"{name} ({counts[0]})")
        if few:
            message = f"{split}: fewer than {FEW} cases are stated to lack {some(few)}; their results will say little"
            findings.append(Finding("finding.few_absent", "warning", message))
    return findings + _unstated([c for c, _ in cases], labels)


def infer(cases: Sequence[Case]) -> list[str]:
    """The findings, in the order of their columns."""
    return list(dict.fromkeys(name for c in cases for name in c.findings))


def regions(truth: TruthValue, image: Image, labels: Sequence[str]) -> Regions:
    """Nothing in particular: the whole image."""
    return Regions()


def marks(case: Case, image: Image) -> NDArray[np.bool_] | None:
    """None: findings are of the whole image."""
    return None


def _unstated(cases: Sequence[Case], labels: Sequence[str]) -> list[Finding]:
    """How many are uncertain, and how many not stated, per finding."""
    parts = []
    for name in labels:
        values = [c.findings.get(name) for c in cases]
        counts = (("uncertain", values.count(UNCERTAIN)), ("not stated", values.count(None)))
        counted = " and ".join(f"{n} {what}" for what, n in counts if n)
        if counted:
            parts.append(f"{name} {counted}")
    if not parts:
        return []
    message = (
        f"of {len(cases)} cases, left out of every count, loss and metric of a finding: {', '.join(parts)}"
    )
    return [Finding("finding.unstated", "info", message)]
