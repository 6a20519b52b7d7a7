"""The tasks of `overread.task.TASKS`, each a module that is an `EvaluateTask`."""

from __future__ import annotations

from overread.evaluate.tasks import classification, detection, multilabel, ordinal, regression, segmentation
from overread.evaluate.tasks.protocol import EvaluateTask

TASKS: dict[str, EvaluateTask] = {
    "classification": classification,
    "ordinal": ordinal,
    "multilabel": multilabel,
    "regression": regression,
    "segmentation": segmentation,
    "detection": detection,
}
