"""Several findings side by side: one group each (TID 1501), present, absent, or not decided."""

from __future__ import annotations

from highdicom.sr.coding import Code

from overread.clinic.results import codes
from overread.clinic.results.groups.classes import probability
from overread.clinic.results.groups.shared import (
    Context,
    Group,
    algorithm_of,
    number_group,
    presence,
    tracking_of_label,
)
from overread.runtime.answer import Findings


def findings_groups(answer: Findings, context: Context) -> list[Group]:
    """A group for every finding, also for those that are absent: silence would say nothing."""
    return [_group(answer, label, context) for label in answer.scores]


def _group(answer: Findings, label: str, context: Context) -> Group:
    category, kind = codes.finding_codes(label, context.label_codes.get(label))
    return number_group(
        context,
        tracking_of_label(context, label),
        algorithm=algorithm_of(context.package, [label]),
        category=category,
        kind=kind,
        measurements=[probability(label, answer.scores[label], answer.intervals.get(label))],
        evaluations=[presence(_decision(answer, label))],
    )


def _decision(answer: Findings, label: str) -> Code:
    if label in answer.present:
        return codes.PRESENT
    # Without an operating point nobody has decided: that is neither present nor absent.
    return codes.ABSENT if label in answer.thresholds else codes.UNDETERMINED
