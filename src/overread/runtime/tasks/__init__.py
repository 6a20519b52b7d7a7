"""The tasks of `overread.task.TASKS`, each a module that is a `RuntimeTask`."""

from __future__ import annotations

from overread.runtime.tasks import classification, detection, multilabel, ordinal, regression, segmentation
from overread.runtime.tasks.protocol import RuntimeTask

TASKS: dict[str, RuntimeTask] = {
    "classification": classification,
    "ordinal": ordinal,
    "multilabel": multilabel,
    "regression": regression,
    "segmentation": segmentation,
    "detection": detection,
}
