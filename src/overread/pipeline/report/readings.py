"""How several readers agreed where the table has what each said, and by which rule the label follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.columns import READER
from overread.stats.agreement import cohen_kappa, krippendorff_alpha

MOST_PAIRS = 10


def readings_of(cohort: Cohort) -> dict[str, Any]:
    """``readers``, ``cases`` read by two or more, the ``rule`` of the label, and ``agreement`` rows with intervals.

    Krippendorff's alpha of all readers (nominal; cells that a reader left empty are left out), and Cohen's kappa of
    every two readers. Empty where the table has fewer than two readers' columns.
    """
    cases = [c for c in cohort if sum(k.startswith(READER) for k in c.readings) > 1]
    readers = sorted({k.removeprefix(READER) for c in cases for k in c.readings if k.startswith(READER)})
    if len(readers) < 2 or len(cases) < 2:
        return {}
    said = [[c.readings.get(f"{READER}{r}", "") for r in readers] for c in cases]
    names = sorted({text for row in said for text in row if text})
    codes = np.array([[names.index(t) if t else np.nan for t in row] for row in said], float)
    rows = []
    try:
        alpha = krippendorff_alpha(codes, level="nominal")
        rows.append({"name": "Krippendorff's alpha, all readers", **alpha.alpha.as_dict()})
    except ValueError:  # all readings of one class
        pass
    for i, j in list(combinations(range(len(readers)), 2))[:MOST_PAIRS]:
        both = ~np.isnan(codes[:, i]) & ~np.isnan(codes[:, j])
        try:
            kappa = cohen_kappa(codes[both, i].astype(int), codes[both, j].astype(int)).kappa
        except ValueError:
            continue
        rows.append({"name": f"Cohen's kappa, {readers[i]} and {readers[j]}", **kappa.as_dict()})
    return {"readers": len(readers), "cases": len(cases), "rule": _rule(cases), "agreement": rows}


def _rule(cases: Sequence[Case]) -> str:
    """What the labels show: the majority of the readers, or something that the table does not say."""
    followed = sum(c.label is not None and c.votes.get(c.label, 0) == max(c.votes.values()) for c in cases)
    if followed == len(cases):
        return "the majority of the readers"
    return (
        f"the column label, which differs from the majority of the readers in {len(cases) - followed} cases"
    )
