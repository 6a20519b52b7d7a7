"""Files that cannot be read, and files of one case that do not fit each other."""

from __future__ import annotations

from collections.abc import Sequence

from overread.cohort.checks.finding import Finding
from overread.cohort.checks.inspection import Inspection


def check_reading(inspections: Sequence[Inspection]) -> list[Finding]:
    """Blocking, one finding per case: unreadable image or mask, channels or mask on another grid."""
    return [Finding(s.problem[0], "blocking", s.problem[1], (s.case.case,)) for s in inspections if s.problem]


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
