"""A number (TID 1501): its value in its UCUM unit, the limits of its prediction interval, or why there are none."""

from __future__ import annotations

from highdicom import sr

from overread.clinic.results import codes
from overread.clinic.results.codes import private
from overread.clinic.results.groups.shared import (
    Context,
    Group,
    algorithm_of,
    measurement,
    number_group,
    tracking_of_label,
)
from overread.runtime.answer import Value


def value_groups(answer: Value, context: Context) -> list[Group]:
    """One group with one measurement."""
    m = answer.measurement
    measured = measurement(private("", answer.name), m.value, m.low, m.high, m.unit, confidence=m.confidence)
    group = number_group(
        context,
        tracking_of_label(context, answer.name),
        algorithm=algorithm_of(context.package, [answer.name]),
        measurements=[measured],
    )
    if m.low is None and answer.reason:
        why = codes.plain(f"no prediction interval: {answer.reason}", 1024)
        group[0].ContentSequence.append(
            sr.TextContentItem(codes.COMMENT, why, sr.RelationshipTypeValues.CONTAINS)
        )
    return [group]
