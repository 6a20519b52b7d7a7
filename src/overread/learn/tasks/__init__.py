"""The tasks of `overread.task.TASKS` while they learn. To add one: a file, and a line here."""

from __future__ import annotations

from overread.learn.tasks import classification, detection, multilabel, ordinal, regression, segmentation
from overread.learn.tasks.protocol import LearnTask

__all__ = ["TASKS"]

TASKS: dict[str, LearnTask] = {
    "classification": classification,
    "ordinal": ordinal,
    "multilabel": multilabel,
    "regression": regression,
    "segmentation": segmentation,
    "detection": detection,
}
