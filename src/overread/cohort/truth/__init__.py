"""The kinds of truth that a model can learn from, by name: one module of plain functions each.

Who needs one asks ``TRUTHS[name]`` when it is needed; nobody compares the name.
"""

from __future__ import annotations

from overread.cohort.truth import boxes, label, labels, mask, value
from overread.cohort.truth.protocol import Truth

__all__ = ["TRUTHS"]

TRUTHS: dict[str, Truth] = {"label": label, "labels": labels, "value": value, "mask": mask, "boxes": boxes}
