"""Labels: values that have no name, names that never occur, and how the classes are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from overread.cohort.checks.finding import Finding, some
from overread.cohort.checks.inspection import Inspection
from overread.cohort.split import SPLITS

# With fewer cases of a class, its sensitivity has an interval too wide to say anything.
FEW = 5


def check_mask_values(inspections: Sequence[Inspection], labels: Sequence[str]) -> list[Finding]:
    """Blocking: mask values outside 0 to ``len(labels) - 1``; a label that no mask of train or of test shows."""
    findings = []
    for s in inspections:
        odd = sorted(v for v in s.values if not 0 <= v < len(labels))
        if odd:
            message = (
                f"{s.case.case}: mask {s.case.mask} holds {some(list(map(str, odd)))}, "
                f"expected 0 to {len(labels) - 1} ({', '.join(labels)})"
            )
            findings.append(Finding("mask.values", "blocking", message, (s.case.case,)))
    for value, name in enumerate(labels):
        if not value:
            continue
        shown = {s.case.split for s in inspections if s.values.get(value)}
        # What is never seen cannot be learned, and what is never asked cannot be measured; tuning does without.
        for split in [s for s in ("train", "test") if s not in shown]:
            message = (
                f"empty class: label {name!r} (mask value {value}) is in no mask of {split}; "
                "drop the label, check the masks or move patients"
            )
            findings.append(Finding("mask.label_empty", "blocking", message))
    return findings


def check_class_names(inspections: Sequence[Inspection], labels: Sequence[str]) -> list[Finding]:
    """Blocking: a case whose label is not one of ``labels``."""
    return [
        Finding(
            "label.unknown",
            "blocking",
            f"{s.case.case}: label is {s.case.label!r}, expected one of {', '.join(labels)}",
            (s.case.case,),
        )
        for s in inspections
        if s.case.label not in labels
    ]


def class_counts(
    inspections: Sequence[Inspection], labels: Sequence[str], task: str
) -> dict[str, dict[str, int]]:
    """Cases per split and label; for segmentation, cases whose mask shows the label."""
    table = {}
    for split in SPLITS:
        here = [s for s in inspections if s.case.split == split]
        if task == "classification":
            found = Counter(s.case.label for s in here)
            table[split] = {name: found[name] for name in labels}
        else:
            table[split] = {n: sum(bool(s.values.get(v)) for s in here) for v, n in enumerate(labels) if v}
    return table


def check_balance(inspections: Sequence[Inspection], labels: Sequence[str], task: str) -> list[Finding]:
    """How many cases of each class every split has; a warning where there are fewer than five."""
    findings = []
    for split, counts in class_counts(inspections, labels, task).items():
        total = sum(s.case.split == split for s in inspections)
        shown = ", ".join(f"{name} {n}" for name, n in counts.items())
        findings.append(Finding("class.balance", "info", f"{split}: {total} cases: {shown}"))
        few = [f"{name} ({n})" for name, n in counts.items() if n < FEW]
        if few:
            message = f"{split}: fewer than {FEW} cases of {some(few)}; results for them will say little"
            findings.append(Finding("class.few", "warning", message))
    return findings
