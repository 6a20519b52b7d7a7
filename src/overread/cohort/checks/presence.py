"""Which cases show which label: one table for counts, balance, subgroups and shortcuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.cohort.checks.inspection import Inspection
from overread.cohort.truth import TRUTHS


@dataclass(frozen=True)
class Presence:
    """``values`` ``(cases, labels)`` float64: 1 where the case shows the label, 0 where it is stated not to, NaN where
    nothing is stated, where the source is uncertain, or where the truth could not be read."""

    labels: tuple[str, ...]
    values: NDArray[np.float64]

    def shows(self, label: str) -> NDArray[np.bool_]:
        """``(cases,)``: who shows the label."""
        return np.asarray(self.values[:, self.labels.index(label)] == 1)

    def stated(self, label: str) -> NDArray[np.bool_]:
        """``(cases,)``: of whom it is stated whether they show the label."""
        return np.isfinite(self.values[:, self.labels.index(label)])


def presence_of(inspections: Sequence[Inspection], *, truth: str, labels: Sequence[str]) -> Presence:
    """The table of ``labels`` that can be told apart, by the kind of truth (see `Truth.presence`)."""
    rows = [TRUTHS[truth].presence(s.case, s.shown, labels) for s in inspections]
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    values = [[np.nan if (v := row.get(name)) is None else float(v) for name in names] for row in rows]
    return Presence(names, np.array(values, dtype=np.float64).reshape(len(rows), len(names)))
