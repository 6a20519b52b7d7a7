"""Images that are there more than once: leakage between splits, contradictions, repetition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

from overread.cohort.checks.inspection import Inspection, contradict
from overread.cohort.finding import Finding, Severity
from overread.cohort.splits.parts import SPLITS


def check_duplicates(inspections: Sequence[Inspection]) -> list[Finding]:
    """Compare the decoded pixels of all cases.

    Shared with the test split is blocking, between train and val a warning; identical images with
    different labels are a warning; repetition within a split is a fact worth knowing.
    """
    groups: dict[str, list[Inspection]] = defaultdict(list)
    for s in inspections:
        if s.pixels:
            groups[s.pixels].append(s)
    same = [g for g in groups.values() if len(g) > 1]
    return [*_across(same), *_contradicting(same), *_within(same)]


def _across(same: Sequence[Sequence[Inspection]]) -> list[Finding]:
    findings = []
    for a, b in combinations(SPLITS, 2):
        shared = [g for g in same if {a, b} <= {s.case.split for s in g}]
        if not shared:
            continue
        severity: Severity = "blocking" if "test" in (a, b) else "warning"
        names = tuple(s.case.case for g in shared for s in g if s.case.split in (a, b))
        images = "1 image is" if len(shared) == 1 else f"{len(shared)} images are"
        message = (
            f"{images} shared by {a} and {b} (identical pixels), such as {names[0]} and {names[1]}; "
            f"keep each in one of them"
        )
        pairs = tuple(_first(g, a, b) for g in shared)
        findings.append(Finding("leakage.pixels", severity, message, names, pairs))
    return findings


def _first(group: Sequence[Inspection], a: str, b: str) -> tuple[str, str]:
    """The first case of split ``a`` and the first of ``b``."""
    one, other = (next(s.case.case for s in group if s.case.split == name) for name in (a, b))
    return one, other


def _contradicting(same: Sequence[Sequence[Inspection]]) -> list[Finding]:
    odd = [(g, pair) for g in same if (pair := _contradicting_pair(g))]
    if not odd:
        return []
    names = tuple(s.case.case for g, _ in odd for s in g)
    images = "1 image has" if len(odd) == 1 else f"{len(odd)} images have"
    message = (
        f"{images} different labels in different cases (identical pixels), such as {odd[0][1][0]} and "
        f"{odd[0][1][1]}"
    )
    pairs = tuple(pair for _, pair in odd)
    return [Finding("label.conflict", "warning", message, names, pairs)]


def _contradicting_pair(group: Sequence[Inspection]) -> tuple[str, str] | None:
    """The first two cases of one picture that state different truths."""
    distinct: dict[object, Inspection] = {}
    for s in group:
        stated = (s.case.label, s.shown.digest, *s.case.findings.items(), *s.case.values.items())
        distinct.setdefault(stated, s)
    pairs = combinations(distinct.values(), 2)
    return next(((a.case.case, b.case.case) for a, b in pairs if contradict(a, b, drawn=True)), None)


def _within(same: Sequence[Sequence[Inspection]]) -> list[Finding]:
    findings = []
    for name in SPLITS:
        again = [[s for s in g if s.case.split == name] for g in same]
        again = [g for g in again if len(g) > 1]
        if again:
            names = tuple(s.case.case for g in again for s in g)
            extra = sum(len(g) - 1 for g in again)
            message = f"{name}: {extra} of its images repeat another of the same split (identical pixels)"
            findings.append(Finding("duplicate.within", "info", message, names))
    return findings
