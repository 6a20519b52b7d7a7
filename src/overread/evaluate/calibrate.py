"""What the tuning patients decide about a package: scales, thresholds, prediction sets. Never the test patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.errors import InputError
from overread.evaluate.tasks import TASKS
from overread.evaluate.tasks.protocol import Calibrated, clusters_of
from overread.runtime.limits import breaches
from overread.runtime.package import Package
from overread.runtime.predict import raw_of
from overread.runtime.preprocess import prepare
from overread.task import TASKS as FACTS


def calibrate(
    package: Package, cases: Sequence[Case], *, rule: str = "", advance: Callable[[], None] = lambda: None
) -> Calibrated:
    """Run the network over the tuning cases and fix what they decide.

    Cases that the package's limits refuse take no part, as they get no answer later. ``rule`` is the operating
    point's, the task's own where it is empty; ``advance`` is called after each case.

    Raises
    ------
    InputError
        Every case was refused, or one cannot be read; the case is named.
    ValueError
        A rule that the task does not know.
    """
    manifest = package.manifest
    task = TASKS[manifest.task]
    truth = TRUTHS[FACTS[manifest.task].truth]
    rule = task.rule(rule, manifest.labels, manifest.positive)
    evidence: list[Any] = []
    patients: list[str] = []
    refused: dict[str, str] = {}
    for case in cases:
        image = load_case(case)
        broken = breaches(image, manifest)
        if broken:
            refused[case.case] = "; ".join(map(str, broken))
        else:
            prepared = prepare(image, manifest.preprocess)
            real = truth.read(case, image, manifest.labels)
            evidence.append(task.evidence(raw_of(package, prepared), real, prepared, manifest))
            patients.append(case.patient)
        advance()
    if not evidence:
        first = next((f" (case {name}: {why})" for name, why in refused.items()), "")
        raise InputError(
            f"{package.path}: none of {len(cases)} tuning cases lies within its limits{first}; it cannot be calibrated"
        )
    found = task.calibrate(evidence, manifest, rule, clusters_of(patients))
    counts = {"cases": len(evidence), "patients": len(set(patients)), "refused": len(refused)}
    return replace(found, reference={**found.reference, "tuning": counts})
