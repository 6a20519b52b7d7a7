"""The primary metric, and sensitivity and specificity at the threshold, within each group of cases; gaps; refusals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from overread.cohort.case import Case
from overread.cohort.groups import groups_of
from overread.evaluate.metric import Measured
from overread.evaluate.rows import Row
from overread.evaluate.run import Evaluation, answered_rows, measures_of
from overread.evaluate.tasks import TASKS
from overread.evaluate.tasks.protocol import clusters_of
from overread.runtime.manifest import Manifest
from overread.stats.fairness import largest_gap
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci

AT_THRESHOLD = ("sensitivity", "specificity", "false_finding", "lesion_sensitivity")
OF_ALL = ("balanced_accuracy", "accuracy")
"""Instead of `AT_THRESHOLD`, where there are many labels."""
MOST_METRICS = 5
"""Metrics shown by group, the primary one among them: more rows hide the groups."""
Key = tuple[str, str | None]


@dataclass
class Subgroups:
    """``rows``: one for each metric and group, with its cases and patients. ``gaps``: one for each attribute and
    metric, the largest difference of two groups and the worst group, with simultaneous limits. ``answered``: share of
    each group (and class) inside the package's limits; empty where it answered all. ``not_computed``: groups that
    cannot give a metric, and why."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    answered: list[dict[str, Any]] = field(default_factory=list)
    not_computed: list[dict[str, Any]] = field(default_factory=list)


def subgroups(
    evaluation: Evaluation,
    cases: Sequence[Case],
    attributes: Sequence[str],
    manifest: Manifest,
    *,
    cuts: Mapping[str, Sequence[float]] | None = None,
) -> Subgroups:
    """Metrics of each group, refused cases counted as in ``evaluation``; ``cuts`` of numbers as `cuts_of` gives them.

    Only metrics that are shown are computed.
    """
    by_case = {c.case: c for c in cases}
    wanted = shown_metrics(evaluation, manifest)
    out = Subgroups()
    for attribute in attributes:
        values = [by_case[r["case"]].attributes.get(attribute, "") for r in evaluation.rows]
        if not any(v.strip() for v in values):
            continue
        groups = {
            name: [evaluation.rows[i] for i in members]
            for name, members in groups_of(values, (cuts or {}).get(attribute)).items()
        }
        out.answered += answered_by(attribute, groups)
        for key in wanted:
            found = _of_groups(evaluation, attribute, groups, key, manifest, out)
            if len(found) > 1:
                out.gaps.append(_gap(evaluation, attribute, key, found))
    if len(answered_rows(evaluation.rows)) < len(evaluation.rows):
        shows = TASKS[manifest.task].shows
        of_class: dict[str, list[Row]] = {label: [] for label in manifest.labels}
        for r in evaluation.rows:
            for label in shows(r, manifest):
                of_class[label].append(r)
        out.answered = answered_by("class", {k: v for k, v in of_class.items() if v}) + out.answered
    else:
        out.answered = []
    return out


def shown_metrics(evaluation: Evaluation, manifest: Manifest) -> list[Key]:
    """The primary metric, and what the fixed thresholds give: of all, or of each label where these are few."""
    pairs = TASKS[manifest.task].offered(manifest.judged, manifest.positive, manifest.counted_labels)
    first = (evaluation.primary[0].key, evaluation.primary[1])
    others = [(m.key, label) for m, label in pairs if (m.key, label) != first]
    rest = [key for key in others if key[0] in AT_THRESHOLD]
    if len(rest) >= MOST_METRICS:
        rest = [key for key in others if key[0] in OF_ALL and key[1] is None]
    return [first, *rest]


def answered_by(attribute: str, groups: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    """Share of the answered cases of each group, with its interval."""
    out = []
    for name, rows in groups.items():
        answered = {r["case"] for r in answered_rows(rows)}
        given = np.array([r["case"] in answered for r in rows])
        interval = rate_ci(given, cluster=clusters_of([r["patient"] for r in rows]))
        counts = {
            "cases": len(rows),
            "patients": len({r["patient"] for r in rows}),
            "answered": int(given.sum()),
        }
        out.append({"attribute": attribute, "group": name} | counts | interval.as_dict())
    return out


def _of_groups(
    evaluation: Evaluation,
    attribute: str,
    groups: Mapping[str, Sequence[Row]],
    key: Key,
    manifest: Manifest,
    out: Subgroups,
) -> dict[str, Interval]:
    """The metric ``key`` of each group; rows and reasons go to ``out``."""
    found: dict[str, Interval] = {}
    for group, rows in groups.items():
        measures = measures_of(rows, manifest, unanswered=evaluation.unanswered)
        chosen = next((m for m in measures if (m.metric.key, m.label) == key), None)
        counted = rows if evaluation.unanswered == "wrong" else answered_rows(rows)
        counts = {"cases": len(counted), "patients": len({r["patient"] for r in counted})}
        try:
            if chosen is None:
                raise ValueError("no case was answered")
            measured = Measured(chosen.metric, chosen.label, chosen.unit, chosen.compute())
        except ValueError as error:
            lost = {"attribute": attribute, "group": group, "metric": key[0], "label": key[1]}
            out.not_computed.append(lost | counts | {"reason": str(error)})
            continue
        found[group] = measured.interval
        out.rows.append({"attribute": attribute, "group": group} | counts | measured.as_dict())
    return found


def _gap(evaluation: Evaluation, attribute: str, key: Key, found: Mapping[str, Interval]) -> dict[str, Any]:
    overall = evaluation.of(*key)
    lower = overall is not None and overall.metric.better == "lower"
    share = overall is not None and overall.metric.share
    gap = largest_gap(found, lower_is_better=lower, bounds=(0, 1) if share else (-math.inf, math.inf))
    return {"attribute": attribute, "metric": key[0], "label": key[1]} | asdict(gap)
