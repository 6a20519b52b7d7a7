"""Files that cannot be read, files of one case that do not fit each other, and what could not be looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from overread.cohort.checks.guard import CODE
from overread.cohort.checks.inspection import Inspection
from overread.cohort.finding import Finding


def check_reading(inspections: Sequence[Inspection]) -> list[Finding]:
    """One finding per case: blocking for unreadable files and grids that differ, a warning where a check failed."""
    return [
        Finding(s.problem[0], "warning" if s.problem[0] == CODE else "blocking", s.problem[1], (s.case.case,))
        for s in inspections
        if s.problem
    ]


def check_measured(inspections: Sequence[Inspection]) -> list[Finding]:
    """A warning for each thing that could not be measured in some images, with the reason and a file."""
    failed: dict[tuple[str, str], list[Inspection]] = defaultdict(list)
    for s in inspections:
        for what, why in s.measured.failed:
            failed[what, why].append(s)
    findings = []
    for (what, why), found in failed.items():
        first = next(iter(found[0].case.images.values()))
        images = "1 image" if len(found) == 1 else f"{len(found)} images, such as"
        message = f"not checked: {what} in {images} {first} ({why}); the other checks were done"
        findings.append(Finding(CODE, "warning", message, tuple(s.case.case for s in found)))
    return findings


def check_blank(inspections: Sequence[Inspection]) -> list[Finding]:
    """A warning per case whose image, or one channel of it, has one value everywhere."""
    return [
        Finding(
            "image.blank",
            "warning",
            f"{s.case.case}: {', '.join(s.constant)} has one value everywhere; the picture shows nothing",
            (s.case.case,),
        )
        for s in inspections
        if s.constant
    ]
