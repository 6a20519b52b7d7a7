"""Ratings of a reader study as one array, whatever table they came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.arrays import Bools, Floats, as_binary, as_floats, same_length

Names = tuple[str, ...]


@dataclass(frozen=True)
class ReaderStudy:
    """Who rated which case under which treatment (modality, aid).

    ``rating`` (treatments, readers, cases) is NaN where a case was not read; ``truth`` (cases,) is True for
    diseased. The names run along the three axes.
    """

    rating: Floats
    truth: Bools
    treatments: Names
    readers: Names
    cases: Names

    @property
    def read(self) -> Bools:
        """(treatments, readers, cases): where a rating exists."""
        return ~np.isnan(self.rating)

    @property
    def fully_crossed(self) -> bool:
        """True where every reader read every case under every treatment."""
        return bool(self.read.all())


def reader_study(
    rating: ArrayLike,
    truth: ArrayLike,
    *,
    reader: ArrayLike | None = None,
    treatment: ArrayLike | None = None,
    case: ArrayLike | None = None,
) -> ReaderStudy:
    """One array from a table in long form, or a check of an array that is given.

    Parameters
    ----------
    rating
        Long form: (n,), one row per reading, with ``reader``, ``treatment`` and ``case`` (n,) beside it
        (numbers or text) and ``truth`` (n,) repeated in every row. Readings that were not made are left out.
        Array: (treatments, readers, cases), or (readers, cases) for one treatment, NaN where not read.
    truth
        0 or 1: (n,) in long form, else (cases,).

    Raises ValueError for a case with two truths, a reading given twice, a class without a case, or shapes
    that do not fit.
    """
    if reader is None and treatment is None and case is None:
        return _dense(rating, truth)
    if reader is None or case is None:
        raise ValueError("a table needs reader and case beside rating (and treatment if there are several)")
    values = as_floats(rating, "rating")
    labels = as_binary(truth, "truth")
    same_length(len(values), labels, "truth")
    rows = len(values)
    r, readers = _codes(reader, "reader", rows)
    t, treatments = _codes(np.zeros(rows, int) if treatment is None else treatment, "treatment", rows)
    c, cases = _codes(case, "case", rows)
    truths = np.full((2, len(cases)), False)
    truths[labels.astype(int), c] = True
    both = np.flatnonzero(truths.all(axis=0))
    if len(both):
        raise ValueError(f"case {cases[both[0]]} has truth 0 and 1 in different rows, expected one truth")
    index = np.ravel_multi_index((t, r, c), (len(treatments), len(readers), len(cases)))
    counts = np.bincount(index)
    if counts.max() > 1:
        i, j, k = np.unravel_index(int(counts.argmax()), (len(treatments), len(readers), len(cases)))
        raise ValueError(
            f"reader {readers[j]} rated case {cases[k]} under treatment {treatments[i]} {counts.max()} times, "
            "expected once"
        )
    array = np.full(len(treatments) * len(readers) * len(cases), np.nan)
    array[index] = values
    return ReaderStudy(
        array.reshape(len(treatments), len(readers), len(cases)), truths[1], treatments, readers, cases
    )


def _dense(rating: ArrayLike, truth: ArrayLike) -> ReaderStudy:
    array = np.asarray(rating, dtype=np.float64)
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or not array.size:
        raise ValueError(
            f"rating has shape {array.shape}, expected (treatments, readers, cases), or (n,) with reader, "
            "treatment and case"
        )
    if np.isinf(array).any():
        raise ValueError("rating holds infinite values; expected numbers, NaN where a case was not read")
    labels = as_binary(truth, "truth")
    if len(labels) != array.shape[2]:
        raise ValueError(f"truth has {len(labels)} cases, rating {array.shape[2]}; expected the same number")
    names = [tuple(str(i + 1) for i in range(size)) for size in array.shape]
    return ReaderStudy(array, labels, *names)


def _codes(values: ArrayLike, name: str, rows: int) -> tuple[NDArray[np.intp], Names]:
    array: NDArray[Any] = np.asarray(values)
    if array.ndim != 1 or len(array) != rows:
        raise ValueError(f"{name} has shape {array.shape}, expected ({rows},): one for each rating")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ValueError(f"{name} holds NaN: every row needs its {name}")
    found, codes = np.unique(array, return_inverse=True)
    return codes, tuple(str(value) for value in found)


def check_cells(study: ReaderStudy, *, least: int = 1) -> None:
    """Raise ValueError unless every reader has ``least`` cases of each class under every treatment."""
    for positive in (False, True):
        counts = study.read[:, :, study.truth == positive].sum(axis=2)
        if counts.min() < least:
            i, j = np.argwhere(counts == counts.min())[0]
            raise ValueError(
                f"reader {study.readers[j]} read {counts.min()} cases of class {int(positive)} under treatment "
                f"{study.treatments[i]}, expected at least {least}; for designs in which readers differ "
                "between treatments use u_statistic"
            )
