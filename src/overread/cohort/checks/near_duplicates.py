"""Images that are another image after a change: a turn, a mirror, a crop, another compression or brightness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from overread.cohort.checks.inspection import Inspection, contradict
from overread.cohort.finding import Finding, Severity
from overread.cohort.near_duplicates import near_duplicates
from overread.cohort.splits.parts import SPLITS

# Fewer are compared before processes have started.
MANY = 2000
Pair = tuple[Inspection, Inspection]


def check_near_duplicates(
    inspections: Sequence[Inspection], progress: Callable[[int], None] | None = None, workers: int = 1
) -> list[Finding]:
    """Warnings where a copy lies in another split or bears another label; a fact within a split.

    A person should look: the comparison errs in about one image of 300 (docs/performance.md). Identical pixels
    are `check_duplicates`' business. Two images of one patient are expected to be alike, and stay in one split.
    """
    thumbnails = [s.measured.thumbnail for s in inspections]
    found = near_duplicates(thumbnails, workers=workers if len(inspections) >= MANY else 1, progress=progress)
    pairs = [(inspections[p.first], inspections[p.second]) for p in found]
    pairs = [(a, b) for a, b in pairs if a.pixels != b.pixels]
    findings = []
    for one, other in combinations(SPLITS, 2):
        shared = [
            (a, b) if a.case.split == one else (b, a)
            for a, b in pairs
            if {a.case.split, b.case.split} == {one, other}
        ]
        if shared:
            message = (
                f"{_images(shared, 'has', 'have')} a near-duplicate across {one} and {other}, such as "
                f"{shared[0][0].case.case} and {shared[0][1].case.case}; keep each in one of them, or say why not"
            )
            findings.append(_finding("leakage.near", "warning", message, shared))
    # Masks move with the picture and cannot be compared.
    odd = [(a, b) for a, b in pairs if contradict(a, b, drawn=False)]
    if odd:
        message = (
            f"{_images(odd, 'has', 'have')} a near-duplicate with another label, such as {odd[0][0].case.case} "
            f"({_shown(odd[0][0])}) and {odd[0][1].case.case} ({_shown(odd[0][1])})"
        )
        findings.append(_finding("label.conflict_near", "warning", message, odd))
    for name in SPLITS:
        inside = [
            (a, b)
            for a, b in pairs
            if a.case.split == b.case.split == name and a.case.patient != b.case.patient
        ]
        if inside:
            message = f"{name}: {_images(inside, 'is', 'are')} a near-duplicate of another patient's image"
            findings.append(_finding("duplicate.near", "info", message, inside))
    return findings


def _images(pairs: Sequence[Pair], one: str, several: str) -> str:
    n = len({s.case.case for _, s in pairs})
    return f"1 image {one}" if n == 1 else f"{n} images {several}"


def _finding(code: str, severity: Severity, message: str, pairs: Sequence[Pair]) -> Finding:
    names = tuple(dict.fromkeys(s.case.case for pair in pairs for s in pair))
    return Finding(code, severity, message, names, tuple((a.case.case, b.case.case) for a, b in pairs))


def _shown(inspection: Inspection) -> str:
    present = [k for k, v in inspection.case.findings.items() if v == 1]
    return inspection.case.label or ", ".join(present) or "no finding"
