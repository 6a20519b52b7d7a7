"""Measurement groups of the report (TID 1410, 1411 and 1501): the outcome, and what was answered by its kind."""

from __future__ import annotations

from typing import assert_never

from overread.clinic.results.failure import Failure
from overread.clinic.results.groups.classes import classes_groups
from overread.clinic.results.groups.findings import findings_groups
from overread.clinic.results.groups.label_map import label_map_groups
from overread.clinic.results.groups.objects import objects_groups
from overread.clinic.results.groups.overall import overall_group
from overread.clinic.results.groups.shared import Context, Group
from overread.clinic.results.groups.value import value_groups
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value
from overread.runtime.prediction import Prediction


def groups_of(result: Prediction | Failure, context: Context) -> list[Group]:
    """Every group of one report, the overall one first. Raises InputError where the images do not allow them."""
    groups = [overall_group(result, context)]
    if isinstance(result, Prediction) and result.answer is not None:
        groups += answer_groups(result.answer, context)
    return groups


def answer_groups(answer: Answer, context: Context) -> list[Group]:
    """The groups of an answer, by its kind."""
    match answer:
        case Classes():
            return classes_groups(answer, context)
        case Findings():
            return findings_groups(answer, context)
        case Value():
            return value_groups(answer, context)
        case LabelMap():
            return label_map_groups(answer, context)
        case Objects():
            return objects_groups(answer, context)
        case _:
            assert_never(answer)
