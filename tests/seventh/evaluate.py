"""It is judged as a classification is, and says so in a title of its own."""

from __future__ import annotations

from collections.abc import Sequence

from overread.evaluate.rows import Row
from overread.evaluate.tasks import classification
from overread.evaluate.tasks.classification import (
    ANSWERED_ONLY,
    METRICS,
    calibrate,
    evidence,
    figures,
    measures,
    offered,
    row,
    rule,
    shows,
    unanswered,
)
from overread.evaluate.tasks.protocol import Telling
from overread.runtime.manifest import Manifest

__all__ = [
    "ANSWERED_ONLY",
    "METRICS",
    "calibrate",
    "evidence",
    "figures",
    "measures",
    "offered",
    "row",
    "rule",
    "shows",
    "telling",
    "unanswered",
]


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    return [Telling("Most covered", t.case, t.caption) for t in classification.telling(rows, manifest)]
