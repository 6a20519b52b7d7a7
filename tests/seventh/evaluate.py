"""It is judged as a classification is, and says so in a title of its own."""

from __future__ import annotations

from collections.abc import Sequence

from overread.evaluate.tasks import classification
from overread.evaluate.tasks.classification import (
    METRICS,
    calibrate,
    evidence,
    figures,
    measures,
    offered,
    row,
    rule,
)
from overread.evaluate.tasks.protocol import Row, Telling
from overread.runtime.manifest import Manifest

__all__ = ["METRICS", "calibrate", "evidence", "figures", "measures", "offered", "row", "rule", "telling"]


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    return [Telling("Most covered", t.case, t.caption) for t in classification.telling(rows, manifest)]
