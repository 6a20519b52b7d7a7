"""Groups of cases by an attribute: words as they are, numbers in bands that were fixed before the test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case

AGES = (18.0, 40.0, 65.0)
"""Cut points of ages where the protocol names none."""
MOST_VALUES = 6
"""A number with more different values than this is shown in bands."""
NOT_STATED = "not stated"


def cuts_of(
    cases: Iterable[Case], attributes: Sequence[str], bands: Mapping[str, Sequence[float]]
) -> dict[str, tuple[float, ...]]:
    """Cut points of every attribute that holds numbers: those of the protocol, `AGES`, or the thirds of ``cases``.

    ``cases`` are those of training and tuning: cut points that follow the test cases would be chosen after the lock.
    Attributes of words, or of few different numbers, have none.
    """
    known = list(cases)
    out: dict[str, tuple[float, ...]] = {}
    for attribute in attributes:
        if attribute in bands:
            out[attribute] = tuple(bands[attribute])
            continue
        values = [c.attributes.get(attribute, "") for c in known]
        found = _numbers(values)
        if found is None or len(set(values)) <= MOST_VALUES:
            continue
        if attribute == "age":
            out[attribute] = AGES
        else:
            thirds = np.unique(np.quantile(found[np.isfinite(found)], [1 / 3, 2 / 3]))
            out[attribute] = tuple(float(t) for t in thirds)
    return out


def groups_of(values: Sequence[str], cuts: Sequence[float] | None = None) -> dict[str, NDArray[np.int64]]:
    """Indices of each group: of the bands between ``cuts``, or of each value where there are none.

    What states nothing, or in bands no number, is a group of its own, the last. Empty groups are left out.
    """
    texts = np.array([v.strip() for v in values])
    if cuts is None:
        named = {v: texts == v for v in sorted(set(texts.tolist()) - {""})}
        missing = texts == ""
    else:
        number = np.array([_number(v) for v in texts])
        edges = [-np.inf, *cuts, np.inf]
        named = {_band(low, high): (number >= low) & (number < high) for low, high in pairwise(edges)}
        missing = ~np.isfinite(number)
    return {k: np.flatnonzero(m) for k, m in (named | {NOT_STATED: missing}).items() if m.any()}


def _band(low: float, high: float) -> str:
    if np.isinf(low):
        return f"below {high:g}"
    return f"{low:g} and over" if np.isinf(high) else f"{low:g} to below {high:g}"


def _numbers(values: Sequence[str]) -> NDArray[np.float64] | None:
    """The values as numbers, NaN for others; None where fewer than half of those stated are numbers."""
    found = np.array([_number(v) for v in values])
    stated = sum(bool(v.strip()) for v in values)
    return found if 0 < stated <= 2 * np.isfinite(found).sum() else None


def _number(value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        return float("nan")
    return found if np.isfinite(found) else float("nan")
