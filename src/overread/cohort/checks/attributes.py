"""Age, sex, site and scanner: how they are spread, and where a class could be told by them alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from overread.cohort.checks.inspection import Inspection
from overread.cohort.checks.presence import Presence
from overread.cohort.finding import Finding
from overread.cohort.splits.parts import SPLITS

GROUPS = ("sex", "site", "scanner")


def check_attributes(inspections: Sequence[Inspection], presence: Presence) -> list[Finding]:
    """Counts per split; warnings for values that training never saw and labels of one source only."""
    present = {k for s in inspections for k in s.case.attributes}
    findings = _ages(inspections) if "age" in present else []
    for name in (g for g in GROUPS if g in present):
        findings += _group(inspections, name)
        if name != "sex":
            findings += _confounded(inspections, presence, name)
    return findings


def _ages(inspections: Sequence[Inspection]) -> list[Finding]:
    findings, parts = [], []
    wrong = [s for s in inspections if s.case.attributes.get("age") and _age(s) is None]
    if wrong:
        first = wrong[0]
        message = (
            f"{len(wrong)} ages are no number of years from 0 to 130, "
            f"such as {first.case.attributes['age']!r} of {first.case.case}"
        )
        findings.append(Finding("attribute.age", "warning", message, tuple(s.case.case for s in wrong)))
    for split in SPLITS:
        ages = [a for s in inspections if s.case.split == split and (a := _age(s)) is not None]
        if ages:
            parts.append(f"{split} median {np.median(ages):.4g} ({min(ages):g} to {max(ages):g})")
    return (
        [Finding("attribute.age", "info", f"age in years: {', '.join(parts)}"), *findings]
        if parts
        else findings
    )


def _age(inspection: Inspection) -> float | None:
    try:
        age = float(inspection.case.attributes.get("age", ""))
    except ValueError:
        return None
    return age if 0 <= age <= 130 else None


def _group(inspections: Sequence[Inspection], name: str) -> list[Finding]:
    counts = {
        s: Counter(v.case.attributes.get(name, "") for v in inspections if v.case.split == s) for s in SPLITS
    }
    values = sorted({v for c in counts.values() for v in c})
    shown = "; ".join(
        f"{s}: " + ", ".join(f"{v or 'empty'} {c[v]}" for v in values) for s, c in counts.items()
    )
    findings = [Finding(f"attribute.{name}", "info", f"{name}: {shown}")]
    for value in values:
        later = sum(counts[s][value] for s in SPLITS[1:])
        if value and later and not counts["train"][value]:
            message = f"{name} {value!r} has {later} cases in val and test, none in train"
            findings.append(Finding(f"attribute.{name}_unseen", "warning", message))
    return findings


def _confounded(inspections: Sequence[Inspection], presence: Presence, name: str) -> list[Finding]:
    """Labels of training cases that come from one site or scanner only, while the others do not."""
    train = np.array([s.case.split == "train" for s in inspections])
    sources = np.array([s.case.attributes.get(name, "") for s in inspections])
    findings = []
    for label in sorted(presence.labels):
        values = set(sources[train & presence.shows(label)].tolist())
        everywhere = set(sources[train & presence.stated(label)].tolist())
        if len(values) == 1 and len(everywhere) > 1:
            message = f"{label!r} is from {name} {min(values)!r} alone: a model may learn the {name}"
            findings.append(Finding(f"attribute.{name}_confounded", "warning", message))
    return findings
