"""Age, sex, site and scanner: how they are spread, and where a class could be told by them alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from overread.cohort.checks.finding import Finding
from overread.cohort.checks.inspection import Inspection
from overread.cohort.split import SPLITS

GROUPS = ("sex", "site", "scanner")


def check_attributes(inspections: Sequence[Inspection]) -> list[Finding]:
    """Counts per split; warnings for values that training never saw and classes of one source only."""
    present = {k for s in inspections for k in s.case.attributes}
    findings = _ages(inspections) if "age" in present else []
    for name in (g for g in GROUPS if g in present):
        findings += _group(inspections, name)
        if name != "sex":
            findings += _confounded(inspections, name)
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


def _confounded(inspections: Sequence[Inspection], name: str) -> list[Finding]:
    """Classes of training cases that come from one site or scanner only, while the others do not."""
    train = [s for s in inspections if s.case.split == "train" and s.case.label is not None]
    by_class: dict[str, set[str]] = {}
    for s in train:
        by_class.setdefault(str(s.case.label), set()).add(s.case.attributes.get(name, ""))
    everywhere = {v for values in by_class.values() for v in values}
    findings = []
    for label, values in sorted(by_class.items()):
        if len(values) == 1 and len(everywhere) > 1:
            message = f"class {label!r} is from {name} {min(values)!r} alone: a model may learn the {name}"
            findings.append(Finding(f"attribute.{name}_confounded", "warning", message))
    return findings
