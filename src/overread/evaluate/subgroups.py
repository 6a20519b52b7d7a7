"""The primary metric within each value of each attribute of the cases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.evaluate.metric import Measured, NotComputed
from overread.evaluate.run import Evaluation, answered_rows
from overread.evaluate.tasks import TASKS
from overread.evaluate.tasks.protocol import clusters_of
from overread.runtime.manifest import Manifest

MOST_VALUES = 6
"""A number with more different values than this is shown in three groups of equal size."""


def subgroups(
    evaluation: Evaluation, cases: Sequence[Case], attributes: Sequence[str], manifest: Manifest
) -> list[dict[str, Any]]:
    """A row for each group of answered cases: attribute, group, number of cases and patients, and the metric.

    Only that one metric is computed. Groups that cannot give it (one class only) are added to
    ``evaluation.not_computed`` with the reason.
    """
    task = TASKS[manifest.task]
    metric, label = evaluation.primary
    by_case = {c.case: c for c in cases}
    rows = answered_rows(evaluation.rows)
    out: list[dict[str, Any]] = []
    for attribute in attributes:
        values = [by_case[r["case"]].attributes.get(attribute, "") for r in rows]
        for group, members in groups_of(values).items():
            part = [rows[i] for i in members]
            patients = [r["patient"] for r in part]
            measures = task.measures(part, manifest, clusters_of(patients))
            chosen = next(m for m in measures if (m.metric.key, m.label) == (metric.key, label))
            try:
                found = Measured(metric, label, chosen.unit, chosen.compute())
            except ValueError as error:
                reason = f"{attribute} {group}, {len(part)} cases: {error}"
                evaluation.not_computed.append(NotComputed(metric.key, label, reason))
                continue
            counts = {"cases": len(part), "patients": len(set(patients))}
            out.append({"attribute": attribute, "group": group} | counts | found.as_dict())
    return out


def groups_of(values: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Indices of each group; numbers of more than `MOST_VALUES` different values become thirds. Empty ones are left
    out."""
    texts = np.array(values)
    distinct = sorted(set(values) - {""})
    try:
        numbers = np.array([float(v) if v else np.nan for v in values])
    except ValueError:
        numbers = None
    if numbers is None or len(distinct) <= MOST_VALUES:
        return {v: np.flatnonzero(texts == v) for v in distinct}
    known = np.isfinite(numbers)
    edges = np.quantile(numbers[known], [0, 1 / 3, 2 / 3, 1])
    out: dict[str, NDArray[np.int64]] = {}
    for i, (low, high) in enumerate(pairwise(edges)):
        inside = known & (numbers >= low) & ((numbers < high) | (i == 2))
        if inside.any():
            name = f"{low:.3g} to {high:.3g}" if i == 2 else f"{low:.3g} to below {high:.3g}"
            out[name] = np.flatnonzero(inside)
    return out
