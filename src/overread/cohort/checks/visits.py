"""Visits of one patient: their order by every clock, and examinations entered twice; channels that are missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from overread.cohort.case import Case
from overread.cohort.checks.inspection import Inspection
from overread.cohort.finding import Finding, some
from overread.cohort.visits import CLOCKS, by_patient, clock_of, when


def check_visits(cases: Sequence[Case]) -> list[Finding]:
    """Warnings where two clocks order a patient's visits differently, or a visit stands twice; a count as a fact."""
    several = {p: c for p, c in by_patient(cases).items() if len(c) > 1}
    if not any(c.visit or c.date or c.days is not None for c in cases):
        return []
    findings = []
    told = [p for p, c in several.items() if clock_of(c)]
    message = f"{len(several)} patients have more than one case, {len(told)} with an order in time"
    findings.append(Finding("visit.count", "info", message))
    crossed = [(p, pair) for p, c in several.items() if (pair := _crossed(c))]
    if crossed:
        names = tuple(c.case for p, _ in crossed for c in several[p])
        patient, clocks = crossed[0]
        message = (
            f"{len(crossed)} patients have visits that {clocks[0]} and {clocks[1]} order differently, such as "
            f"patient {patient}"
        )
        findings.append(Finding("visit.order", "warning", message, names))
    twice = [c for cases_of in several.values() for c in _twice(cases_of)]
    if twice:
        names = tuple(c.case for c in twice)
        message = (
            f"{len(twice)} cases repeat another of the same patient at the same time with equal attributes: "
            f"{some(names)}; entered twice?"
        )
        findings.append(Finding("visit.repeated", "warning", message, names))
    return findings


def check_channels(inspections: Sequence[Inspection], channels: Sequence[str]) -> list[Finding]:
    """A warning with the number of cases that lack each channel: training cannot use them."""
    lacking = [(c, [s for s in inspections if c not in s.case.images]) for c in channels]
    lacking = [(c, found) for c, found in lacking if found]
    if not lacking:
        return []
    names = tuple(dict.fromkeys(s.case.case for _, found in lacking for s in found))
    counts = ", ".join(f"{channel} ({len(found)})" for channel, found in lacking)
    message = (
        f"{len(names)} of {len(inspections)} cases lack a channel: {counts}; training refuses them, "
        f"such as {some(names)}"
    )
    return [Finding("channels.missing", "warning", message, names)]


def check_identity(inspections: Sequence[Inspection]) -> list[Finding]:
    """Patients of the table that are one patient, or share one study, by what their DICOM files say.

    Blocking where they lie in the test and in another split, else a warning. An identifier that over a fifth of
    all patients bear was put there by de-identification and says nothing.
    """
    patients = len({s.case.patient for s in inspections})
    findings = []
    for key, what in (("PatientID", "patient"), ("StudyInstanceUID", "study")):
        groups: dict[str, list[Inspection]] = defaultdict(list)
        for s in inspections:
            if s.facts.get(key):
                groups[s.facts[key]].append(s)
        mixed = [g for g in groups.values() if 1 < len({s.case.patient for s in g}) <= max(2, patients / 5)]
        for severity, chosen in (
            ("blocking", [g for g in mixed if len(_splits(g)) > 1 and "test" in _splits(g)]),
            ("warning", [g for g in mixed if not (len(_splits(g)) > 1 and "test" in _splits(g))]),
        ):
            if chosen:
                names = tuple(s.case.case for g in chosen for s in g)
                where = " in different splits" if severity == "blocking" else ""
                people = sorted({s.case.patient for s in chosen[0]})
                message = (
                    f"{len(chosen)} {what}{'' if len(chosen) == 1 else 's'} by DICOM {key} stand as different patients"
                    f"{where}, such as {some(people)}; correct the column patient"
                )
                findings.append(Finding(f"leakage.{what}", severity, message, names))  # type: ignore[arg-type]
    return findings


def _splits(group: Sequence[Inspection]) -> set[str]:
    return {s.case.split for s in group}


def _crossed(cases: Sequence[Case]) -> tuple[str, str] | None:
    """Two clocks that put two of these cases in opposite orders."""
    for a, b in combinations(CLOCKS, 2):
        both = np.array(
            [(x, y) for c in cases if (x := when(c, a)) is not None and (y := when(c, b)) is not None]
        ).reshape(-1, 2)
        apart = both[:, None] - both[None]
        if (apart[..., 0] * apart[..., 1] < 0).any():
            return a, b
    return None


def _twice(cases: Sequence[Case]) -> list[Case]:
    keys = [
        (c.visit, c.date, c.days, c.label, tuple(sorted(c.attributes.items())), tuple(c.images))
        for c in cases
    ]
    timed = [bool(c.visit or c.date or c.days is not None) for c in cases]
    counts = Counter(k for k, t in zip(keys, timed, strict=True) if t)
    return [c for c, k, t in zip(cases, keys, timed, strict=True) if t and counts[k] > 1]
