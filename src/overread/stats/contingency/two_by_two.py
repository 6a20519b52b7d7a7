"""Checking of a table of two groups and two outcomes."""

from __future__ import annotations

from numpy.typing import ArrayLike

from overread.stats.arrays import as_counts


def two_groups(table: ArrayLike) -> tuple[int, int, int, int]:
    """Counts a, b, c, d of [[a, b], [c, d]]: rows are the groups, columns with and without the event.

    Raises ValueError for counts that are negative or not whole, another shape, or a group without a case.
    """
    counts = as_counts(table)
    if counts.shape != (2, 2):
        raise ValueError(f"table has shape {counts.shape}, expected (2, 2): groups by event, no event")
    if not counts.sum(axis=1).all():
        raise ValueError("a group holds no case: its row is 0")
    a, b, c, d = (int(v) for v in counts.ravel())
    return a, b, c, d
