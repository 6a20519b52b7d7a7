"""The tasks that a model can have: a table of facts, and nothing else.

What a task does stands in one module of its name on each floor that needs it (`runtime.tasks`, `evaluate.tasks`,
`learn.tasks`); what it learns from in `cohort.truth`, by the kind of truth. docs/architecture.md tells how to add one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

AnswerKind = Literal["classes", "findings", "value", "label_map", "objects"]
"""What comes out: one class of several, several findings side by side, a number, a label for every voxel, or boxes."""


@dataclass(frozen=True)
class Task:
    """Facts of one task.

    Attributes
    ----------
    truth
        What it learns from, a key of `overread.cohort.truth.TRUTHS`.
    answer
        The kind of answer it gives, see `overread.runtime.answer`.
    local
        It says where: training sees patches, inference windows.
    background
        The first label is the background.
    ordered
        The labels are grades, lowest first.
    fewest_labels, most_labels
        How many labels a protocol must name at least, and may at most.
    outputs_beside
        How many numbers the network gives more (or fewer) than there are labels.
    """

    truth: str
    answer: AnswerKind
    local: bool = False
    background: bool = False
    ordered: bool = False
    fewest_labels: int = 2
    most_labels: int | None = None
    outputs_beside: int = 0

    def outputs(self, labels: int) -> int:
        """How many numbers (of a local task: channels) the network gives for so many ``labels``."""
        return labels + self.outputs_beside


TASKS: dict[str, Task] = {
    "classification": Task("label", "classes"),
    "ordinal": Task("label", "classes", ordered=True, fewest_labels=3, outputs_beside=-1),
    "multilabel": Task("labels", "findings", fewest_labels=1),
    "regression": Task("value", "value", fewest_labels=1, most_labels=1, outputs_beside=1),
    "segmentation": Task("mask", "label_map", local=True, background=True),
    "detection": Task("boxes", "objects", local=True, fewest_labels=1),
}


def known_task(name: str) -> str:
    """``name`` itself. Raises ValueError, naming the known ones, where there is no such task."""
    if name not in TASKS:
        raise ValueError(f"found {name!r}, expected one of {', '.join(TASKS)}")
    return name


TaskName = Annotated[str, AfterValidator(known_task)]
"""A key of `TASKS`, checked where pydantic reads it."""
