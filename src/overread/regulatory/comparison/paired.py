"""The same cases answered by two packages: paired differences, threshold transfer and reclassification."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.evaluate.tasks.protocol import clusters_of
from overread.regulatory.comparison.side import Side
from overread.stats.diagnostic import mcnemar, mcnemar_clustered
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, rate_ci
from overread.stats.roc import delong_test

Row = Mapping[str, Any]
Flags = NDArray[np.bool_]
FEWEST = 5
"""Pairs below which a mean difference gets no interval."""


@dataclass(frozen=True)
class Difference:
    """One measure of both sides on the same cases: ``first``, ``second``, second minus first with interval, p;
    ``reached``: the second's own interval."""

    measure: str
    label: str | None
    first: float
    second: float
    difference: Interval
    p_value: float | None
    method: str
    n: int
    reached: Interval | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        return {
            "metric": self.measure,
            "label": self.label,
            "first": self.first,
            "second": self.second,
            "difference": self.difference.as_dict(),
            "p_value": self.p_value,
            "method": self.method,
            "n": self.n,
            "reached": None if self.reached is None else self.reached.as_dict(),
        }


@dataclass
class Comparison:
    """``differences``: each side as it is, with its own thresholds. ``transfer``: the second side's scores at the
    first's thresholds, against the first. ``reclassified``: net reclassification by label. ``lost``: what could not be
    compared.
    """

    first: Side
    second: Side
    cases: int
    differences: list[Difference] = field(default_factory=list)
    transfer: list[Difference] = field(default_factory=list)
    reclassified: list[dict[str, Any]] = field(default_factory=list)
    shifts: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def compare(first: Side, second: Side) -> Comparison:
    """Compare two sides on the cases that both have.

    Cases without an answer count as answered wrongly in calls, and are left out of areas and means of either side.

    Raises
    ------
    InputError
        No case in common, or a case whose truth differs: then these are not the same cases.
    """
    a, b = ({str(r["case"]): r for r in side.rows} for side in (first, second))
    names = [name for name in a if name in b]
    if not names:
        raise InputError(
            f"{first.name} and {second.name}: no case in common; compare runs on the same test cases"
        )
    pairs = [(a[n], b[n]) for n in names]
    for one, two in pairs:
        for key in (k for k in one if k in two and _is_truth(k)):
            if str(one[key]) != str(two[key]):
                raise InputError(
                    f"case {one['case']}: {key} is {one[key]} in {first.name}, {two[key]} in {second.name}"
                )
    out = Comparison(first, second, len(names))
    left = len(a) + len(b) - 2 * len(names)
    if left:
        out.lost.append(f"{left} cases that only one side has")
    clusters = clusters_of([str(r["patient"]) for r, _ in pairs])
    for label, truth, columns in _findings(pairs, first):
        _scores(out, label, truth, pairs, columns, clusters)
    if "decided" in pairs[0][0]:
        right = [np.array([_text(r[k], "decided") == str(r[k]["label"]) for r in pairs]) for k in (0, 1)]
        every = np.ones(len(pairs), np.bool_)
        out.differences.append(_calls("accuracy", None, right[0], right[1], every, clusters))
        _decided(out, pairs, clusters)
    for column, name in _means(pairs):
        _mean(out, column, name, pairs, clusters)
    return out


def _findings(pairs: Sequence[tuple[Row, Row]], side: Side) -> list[tuple[str, Flags, str]]:
    """Label, truth and score column of whatever has a probability: the positive of two classes, each class, each
    finding."""
    row = pairs[0][0]
    if any(k.startswith("truth_") for k in row):
        known = [k.removeprefix("truth_") for k in row if k.startswith("truth_") and f"score_{k[6:]}" in row]
        return [(k, np.array([_number(r, f"truth_{k}") == 1 for r, _ in pairs]), f"score_{k}") for k in known]
    if "label" not in row:
        return []
    labels = (
        [side.manifest.positive]
        if side.manifest.positive in side.manifest.labels and len(side.manifest.labels) == 2
        else side.manifest.labels
    )
    return [
        (str(k), np.array([str(r["label"]) == k for r, _ in pairs]), f"score_{k}")
        for k in labels
        if f"score_{k}" in row
    ]


def _scores(
    out: Comparison,
    label: str,
    truth: Flags,
    pairs: Sequence[tuple[Row, Row]],
    column: str,
    clusters: NDArray[Any] | None,
) -> None:
    scores = [np.array([_number(p[k], column) for p in pairs]) for k in (0, 1)]
    both = np.isfinite(scores[0]) & np.isfinite(scores[1])
    try:
        test = delong_test(
            truth[both],
            scores[1][both],
            scores[0][both],
            cluster=None if clusters is None else clusters[both],
        )
        out.differences.append(
            Difference(
                "auroc",
                label,
                test.auc2.estimate,
                test.auc1.estimate,
                test.difference,
                test.p_value,
                test.method,
                int(both.sum()),
                test.auc1,
            )
        )
    except ValueError as error:
        out.lost.append(f"area under the ROC curve of {label}: {error}")
    out.shifts.append(
        {
            "label": label,
            "median_first": float(np.median(scores[0][both])) if both.any() else None,
            "median_second": float(np.median(scores[1][both])) if both.any() else None,
        }
    )
    cuts = [side.thresholds.get(label) for side in (out.first, out.second)]
    if cuts[0] is None or cuts[1] is None:
        return
    # NaN, no answer, is no positive call; of a negative case it is no clearing either.
    first, second, moved = scores[0] >= cuts[0], scores[1] >= cuts[1], scores[1] >= cuts[0]
    for rows, called in ((out.differences, second), (out.transfer, moved)):
        _add(out, rows, "sensitivity", label, (first, called), truth, clusters)
        cleared = (scores[0] < cuts[0], _cleared(scores[1], called))
        _add(out, rows, "specificity", label, cleared, ~truth, clusters)
    out.reclassified.append({"label": label} | reclassification(truth, first, second))


def _decided(out: Comparison, pairs: Sequence[tuple[Row, Row]], clusters: NDArray[Any] | None) -> None:
    """Sensitivity and specificity of what was decided, where a side has no scores (a comparator, readers)."""
    m = out.first.manifest
    if m.positive is None or len(m.labels) != 2 or any(d.measure == "sensitivity" for d in out.differences):
        return
    truth = np.array([str(r["label"]) == m.positive for r, _ in pairs])
    said = [[_text(p[k], "decided") for p in pairs] for k in (0, 1)]
    called, cleared = (
        [np.array([bool(s) and (s == m.positive) is yes for s in side]) for side in said]
        for yes in (True, False)
    )
    _add(out, out.differences, "sensitivity", m.positive, (called[0], called[1]), truth, clusters)
    _add(out, out.differences, "specificity", m.positive, (cleared[0], cleared[1]), ~truth, clusters)


def _cleared(score: NDArray[np.float64], called: Flags) -> Flags:
    cleared: Flags = ~called & np.isfinite(score)
    return cleared


def reclassification(truth: Flags, first: Flags, second: Flags) -> dict[str, Any]:
    """Net reclassification improvement of two categories (Pencina et al., Stat Med 2008;27:157).

    Of those who have it, moved up less moved down; of those who do not, moved down less moved up; their sum, with
    limits of both parts (Tango) joined by MOVER (Zou and Donner 2008). ``truth``, ``first`` and ``second`` (n,) bool.
    """
    found: dict[str, Any] = {}
    parts = []
    for name, members, sign in (("events", truth, 1), ("others", ~truth, -1)):
        up = int((members & ~first & second).sum())
        down = int((members & first & ~second).sum())
        n = int(members.sum())
        found[name] = {"n": n, "up": up, "down": down}
        if n == 0:
            return found | {"nri": None}
        gained, lost = (up, down) if sign > 0 else (down, up)
        part = mcnemar([[0, gained], [lost, n - gained - lost]]).difference
        found[name]["net"] = part.as_dict()
        parts.append(part)
    value = parts[0].estimate + parts[1].estimate
    low = value - math.hypot(*(p.estimate - p.low for p in parts))
    high = value + math.hypot(*(p.high - p.estimate for p in parts))
    return found | {
        "nri": Interval(value, low, high, parts[0].confidence, "Tango, MOVER", len(truth)).as_dict()
    }


def _add(
    out: Comparison,
    rows: list[Difference],
    measure: str,
    label: str | None,
    right: tuple[Flags, Flags],
    members: Flags,
    clusters: NDArray[Any] | None,
) -> None:
    """Add the calls of both sides among ``members``, or say that there are none."""
    if members.any():
        rows.append(_calls(measure, label, right[0], right[1], members, clusters))
    else:
        out.lost.append(f"{measure}{f' of {label}' if label else ''}: no case that it is about")


def _calls(
    measure: str,
    label: str | None,
    first: Flags,
    second: Flags,
    members: Flags,
    clusters: NDArray[Any] | None,
) -> Difference:
    """Right calls of both sides among ``members``: McNemar's test, mid-p, or clustered by patient."""
    a, b = first[members], second[members]
    n = int(members.sum())
    if clusters is not None and len(np.unique(clusters[members])) > 1:
        test = mcnemar_clustered(b, a, cluster=clusters[members])
    else:
        table = [[int((b & a).sum()), int((b & ~a).sum())], [int((~b & a).sum()), int((~b & ~a).sum())]]
        test = mcnemar(table, mid_p=True)
    share = [float(x.mean()) if n else math.nan for x in (a, b)]
    own = rate_ci(b, cluster=None if clusters is None else clusters[members]) if n else None
    return Difference(measure, label, share[0], share[1], test.difference, test.p_value, test.method, n, own)


def _means(pairs: Sequence[tuple[Row, Row]]) -> list[tuple[str, str]]:
    """Columns whose mean over cases is a measure, and its name."""
    row = pairs[0][0]
    found = [
        (k, k.replace("_", " ", 1)) for k in row if k == "dice" or k.startswith(("dice_", "nsd_", "hd95_"))
    ]
    return [*found, ("error", "absolute error")] if {"true", "found"} <= row.keys() else found


def _mean(
    out: Comparison, column: str, name: str, pairs: Sequence[tuple[Row, Row]], clusters: NDArray[Any] | None
) -> None:
    def value(row: Row) -> float:
        return (
            abs(_number(row, "found") - _number(row, "true")) if column == "error" else _number(row, column)
        )

    values = [np.array([value(p[k]) for p in pairs]) for k in (0, 1)]
    both = np.isfinite(values[0]) & np.isfinite(values[1])
    if both.sum() < FEWEST:
        out.lost.append(f"{name}: {int(both.sum())} cases have it on both sides")
        return
    change = values[1][both] - values[0][both]
    interval = mean_ci(change, cluster=None if clusters is None else clusters[both])
    method = f"paired, {interval.method}"
    first, second = (float(v[both].mean()) for v in values)
    own = mean_ci(values[1][both], cluster=None if clusters is None else clusters[both])
    out.differences.append(
        Difference(name, None, first, second, interval, None, method, int(both.sum()), own)
    )


def _is_truth(column: str) -> bool:
    return column in ("label", "true") or column.startswith(("truth_", "volume_true_"))


def _text(row: Row, key: str) -> str:
    return str(row.get(key) or "")


def _number(row: Row, key: str) -> float:
    """The value of a cell; NaN where it is empty."""
    value = row.get(key)
    return math.nan if value is None or value == "" else float(value)
