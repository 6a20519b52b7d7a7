"""Rates of each group of patients, by one attribute or where several meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.arrays import (
    Bools,
    Floats,
    Ints,
    as_binary,
    as_columns,
    as_floats,
    as_groups,
    as_labels,
    same_length,
)
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci
from overread.stats.intervals.proportion import ProportionMethod
from overread.stats.roc import auc

Group = ArrayLike | Mapping[str, ArrayLike]


@dataclass(frozen=True)
class GroupRates:
    """Rates of one group; None where it has no case to be a share of.

    ``selection``: share called positive. ``prevalence``: share truly positive. ``small``: the group has fewer positives
    or fewer negatives than asked for; its intervals hold, but are wide.
    """

    group: str
    n: int
    positives: int
    small: bool
    selection: Interval | None
    tpr: Interval | None
    fpr: Interval | None
    fnr: Interval | None
    tnr: Interval | None
    ppv: Interval | None
    npv: Interval | None
    accuracy: Interval | None
    prevalence: Interval | None
    auc: Interval | None


def by_group(
    y: ArrayLike,
    predicted: ArrayLike,
    group: Group,
    *,
    score: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    min_group_size: int = 10,
    method: ProportionMethod = "wilson",
    confidence: float = 0.95,
) -> tuple[GroupRates, ...]:
    """Rates of each group with the intervals of ``rate_ci`` and, where ``score`` (n,) is given, ``roc.auc``.

    Parameters
    ----------
    y, predicted
        (n,), 0 and 1: truth and call.
    group
        (n,), numbers or text; or several attributes as a mapping of names to (n,), a data frame, or a table
        (n, attributes): the groups are then the intersections that occur.
    cluster
        (n,), such as the patient of each image.
    min_group_size
        Groups with fewer positives or negatives than this are marked ``small``; none is left out.

    Raises ValueError for NaN, labels other than 0 and 1, or a case without group.
    """
    labels, called, codes, names, s, clusters = checked_groups(y, predicted, group, score, cluster)
    out = []
    for k, name in enumerate(names):
        inside = codes == k
        rates: dict[str, Interval | None] = {}
        for metric, (part, whole) in parts(labels, called).items():
            among = inside & whole
            units = None if clusters is None else clusters[among]
            rates[metric] = (
                rate_ci(part[among], cluster=units, method=method, confidence=confidence)
                if among.any()
                else None
            )
        positives = int(labels[inside].sum())
        area = None
        if s is not None and 0 < positives < inside.sum():
            area = auc(
                labels[inside],
                s[inside],
                confidence=confidence,
                cluster=None if clusters is None else clusters[inside],
            )
        n = int(inside.sum())
        small = min(positives, n - positives) < min_group_size
        out.append(GroupRates(group=name, n=n, positives=positives, small=small, auc=area, **rates))
    return tuple(out)


def parts(labels: Bools, called: Bools) -> dict[str, tuple[Bools, Bools]]:
    """Each rate as what is counted and among which cases."""
    every = np.ones_like(labels)
    return {
        "selection": (called, every),
        "tpr": (called, labels),
        "fpr": (called, ~labels),
        "fnr": (~called, labels),
        "tnr": (~called, ~labels),
        "ppv": (labels, called),
        "npv": (~labels, ~called),
        "accuracy": (labels == called, every),
        "prevalence": (labels, every),
    }


def checked(y: ArrayLike, predicted: ArrayLike) -> tuple[Bools, Bools]:
    """Truth and calls (n,) as bool."""
    labels, called = as_binary(y, both=False), as_binary(predicted, "predicted", both=False)
    same_length(len(labels), called, "predicted")
    return labels, called


def checked_groups(
    y: ArrayLike, predicted: ArrayLike, group: Group, score: ArrayLike | None, cluster: ArrayLike | None
) -> tuple[Bools, Bools, Ints, tuple[str, ...], Floats | None, Ints | None]:
    """Truth, calls, groups' codes and names, scores and clusters' codes, each (n,) or None where not given."""
    labels, called = checked(y, predicted)
    codes, names = group_codes(group, len(labels))
    s = None if score is None else as_floats(score, "score")
    if s is not None:
        same_length(len(labels), s, "score")
    return labels, called, codes, names, s, as_groups(cluster, len(labels))


def group_codes(group: Group, n: int) -> tuple[Ints, tuple[str, ...]]:
    """Group of each row as codes 0, 1, 2, ... and the names of the groups."""
    attributes = as_columns(group)
    if attributes is not None:
        if not attributes:
            raise ValueError("group names no attribute")
        columns = [(f"{name}=", _column(values, name, n)) for name, values in attributes.items()]
    else:
        table = np.asarray(group)
        if table.ndim == 2 and table.shape[1] == 1:
            raise ValueError(f"group has shape {table.shape}, expected (n,) or (n, attributes)")
        if table.ndim == 2:
            columns = [("", _column(table[:, i], "group", n)) for i in range(table.shape[1])]
        else:
            columns = [("", _column(table, "group", n))]
    together = np.zeros(n, dtype=np.int64)
    for _, values in columns:
        found, codes = np.unique(values, return_inverse=True)
        together = together * len(found) + codes
    _, first, codes = np.unique(together, return_index=True, return_inverse=True)
    names = tuple(", ".join(f"{name}{values[i]}" for name, values in columns) for i in first)
    return codes.astype(np.int64), names


def _column(values: ArrayLike, name: str, n: int) -> NDArray[Any]:
    array = as_labels(values, name)
    same_length(n, array, name)
    return array
