"""Ratings of several raters, some of them missing, as codes of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, Ints


@dataclass(frozen=True)
class Ratings:
    """``counts`` (subjects, categories): how many raters put each subject there; ``categories`` in their order."""

    counts: Ints
    categories: tuple[Any, ...]

    @property
    def values(self) -> Floats:
        """The categories as numbers, their places where they are text."""
        try:
            return np.array(self.categories, dtype=np.float64)
        except ValueError:
            return np.arange(len(self.categories), dtype=np.float64)


def counted(ratings: ArrayLike, categories: Sequence[Any] | None) -> Ratings:
    """``ratings`` (subjects, raters) counted by category; None and NaN are missing.

    Raises ValueError for another shape, a rating that is not among ``categories``, or none at all.
    """
    array = np.asarray(ratings, dtype=object)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"ratings has shape {array.shape}, expected (subjects, raters)")
    there = np.array([[not _missing(v) for v in row] for row in array.tolist()])
    found = {v for v, given in zip(array.ravel().tolist(), there.ravel(), strict=True) if given}
    if not found:
        raise ValueError("every rating is missing")
    try:
        known = tuple(sorted(found)) if categories is None else tuple(categories)
    except TypeError:
        raise ValueError("ratings mixes text and numbers; give all in the same form") from None
    if len(set(known)) < len(known):
        raise ValueError("categories names one category twice")
    beside = sorted(str(v) for v in found - set(known))
    if beside:
        raise ValueError(f"ratings holds {', '.join(beside[:5])}, which is not among categories")
    place = {value: i for i, value in enumerate(known)}
    counts = np.zeros((len(array), len(known)), dtype=np.int64)
    for i, (row, given) in enumerate(zip(array.tolist(), there, strict=True)):
        for value, present in zip(row, given, strict=True):
            if present:
                counts[i, place[value]] += 1
    return Ratings(counts, known)


def _missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' NA is neither equal nor unequal
        return True
