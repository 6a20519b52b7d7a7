"""How far measured volumes and counts are off on the tuning cases, for the intervals of later answers.

Errors are taken apart by what is known when answering: whether anything was found, and how much. Cases with nothing
there and nothing found would else fill the middle of the distribution, and limits that hold for 90% of all patients
hold for far fewer of those with a finding (Mondrian conformal prediction: Vovk, Gammerman and Shafer, Algorithmic
Learning in a Random World, 2005, 4.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate import patients
from overread.evaluate.rows import part_of
from overread.runtime.manifest import Spread

COVERAGE = 0.9
# Fewer tuning patients than this say nothing about the tails of an error: then no interval is stated.
FEWEST_PATIENTS = 9
MOST_PARTS = 3
NOTHING = 1e-9
"""A found volume below it is none."""


def ratio_spreads(
    pairs: NDArray[np.float64],
    *,
    size: NDArray[np.float64] | None = None,
    cluster: NDArray[Any] | None = None,
) -> tuple[list[Spread], str]:
    """Spreads of true over found volume, and why there is none for some; ``pairs (cases, 2)``: found and true volume,
    or another measure of cases in which ``size (cases,)`` was found.

    One where nothing was found, and one for each third (half, or all) of the volumes found, of `FEWEST_PATIENTS` or
    more each. The ratio is of volumes plus an offset, a twentieth of the median true volume that is not 0.
    """
    found, true = pairs.T
    if not (true > 0).any():
        return [], "no tuning case has it"
    offset = float(np.median(true[true > 0])) / 20
    by = found if size is None else size
    return _spreads((true + offset) / (found + offset), by, cluster, NOTHING, offset)


def difference_spreads(
    pairs: NDArray[np.float64],
    *,
    size: NDArray[np.float64] | None = None,
    cluster: NDArray[Any] | None = None,
) -> tuple[list[Spread], str]:
    """The same for true less found number; ``pairs (cases, 2)``: found and true number. With ``size (cases,)`` the
    difference of another measure, where so large a volume was found; pairs that lack one (NaN) are left out."""
    found, true = pairs.T
    if size is None:
        return _spreads(true - found, found, cluster, 1.0, 0.0)
    known: NDArray[np.bool_] = np.isfinite(found) & np.isfinite(true)
    if not known.any():
        return [], "no tuning case has it, found and true"
    return _spreads((true - found)[known], size[known], part_of(cluster, known), NOTHING, 0.0)


def _spreads(
    values: NDArray[np.float64],
    found: NDArray[np.float64],
    cluster: NDArray[Any] | None,
    least: float,
    offset: float,
) -> tuple[list[Spread], str]:
    def count(where: NDArray[np.bool_]) -> int:
        return patients.count(part_of(cluster, where), int(where.sum()))

    parts, reasons = [], []
    for low, high in _ranges(found, count, least):
        where = (found >= low) & (found < (np.inf if high is None else high))
        n = count(where)
        if n < FEWEST_PATIENTS:
            kind = "nothing" if low == 0 else "something"
            reasons.append(f"{kind} was found in {n} tuning patients; an interval needs {FEWEST_PATIENTS}")
            continue
        limits = patients.limits(values[where], coverage=COVERAGE, cluster=part_of(cluster, where))
        parts.append(
            Spread(
                low=limits.low,
                high=limits.high,
                coverage=limits.coverage,
                cases=limits.n,
                offset=offset,
                found_from=low,
                found_to=high,
            )
        )
    return parts, "; ".join(reasons)


def _ranges(
    found: NDArray[np.float64], count: Callable[[NDArray[np.bool_]], int], least: float
) -> Iterator[tuple[float, float | None]]:
    """From nothing found to the most: where each part begins and ends; the last has no end."""
    yield 0.0, least
    some = found[found >= least]
    wanted = min(MOST_PARTS, max(1, count(found >= least) // FEWEST_PATIENTS))
    inner = np.unique(np.quantile(some, np.linspace(0, 1, wanted + 1)[1:-1])) if len(some) else np.array([])
    edges = [least, *(float(e) for e in inner if e > least)]
    # Equal numbers cannot be divided evenly: a part of too few goes with its neighbour.
    kept = [least]
    for e in edges[1:]:
        if count((found >= kept[-1]) & (found < e)) >= FEWEST_PATIENTS <= count(found >= e):
            kept.append(e)
    yield from pairwise(kept)
    yield kept[-1], None
