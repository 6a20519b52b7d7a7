"""Boxes: how many there are of each label, and those that lie beyond their image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from overread.cohort.checks.finding import Finding, some
from overread.cohort.checks.inspection import Inspection
from overread.cohort.split import SPLITS


def check_boxes(inspections: Sequence[Inspection]) -> list[Finding]:
    """Counts per split, and a warning for boxes that reach over a pixel beyond their image."""
    told = [s for s in inspections if s.boxes is not None]
    if not told:
        return []
    parts = []
    for split in SPLITS:
        here = [s for s in told if s.case.split == split]
        counts: Counter[str] = Counter()
        for s in here:
            counts.update(s.boxes)
        shown = ", ".join(f"{label} {n}" for label, n in sorted(counts.items())) or "none"
        parts.append(f"{split}: {shown} in {len(here)} cases")
    findings = [Finding("boxes.count", "info", f"boxes: {'; '.join(parts)}")]
    beyond = [s for s in told if s.beyond]
    if beyond:
        names = tuple(s.case.case for s in beyond)
        message = f"{sum(s.beyond for s in beyond)} boxes reach beyond their image, in {some(names)}"
        findings.append(Finding("boxes.outside", "warning", message, names))
    return findings
