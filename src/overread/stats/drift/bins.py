"""Counts of two samples in common bins or categories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.arrays import Floats, as_floats

MANY_ROWS = 20
"""From so many rows on, categories of which most have one row each are none."""


def binned_counts(
    reference: ArrayLike, current: ArrayLike, bins: int | ArrayLike | None
) -> tuple[Floats, Floats]:
    """Counts (k,) of both samples in bins made from the reference, or per category with ``bins`` None.

    A number of bins: equal mass in the reference, (low, high], open at both ends, so that no current value
    falls outside. Raises ValueError for NaN and where categories are so many that most rows have their own.
    """
    if bins is None:
        r, c = (_categories(v, n) for v, n in ((reference, "reference"), (current, "current")))
        names = np.unique(np.concatenate([r, c]))
        rows = len(r) + len(c)
        if rows >= MANY_ROWS and 2 * len(names) >= rows:
            raise ValueError(
                f"reference and current hold {len(names)} different values in {rows} rows: identifiers, free text or "
                "numbers, which categories cannot compare; leave it out, or give a number of bins for numbers"
            )
        tables = [np.bincount(np.searchsorted(names, v), minlength=len(names)) * 1.0 for v in (r, c)]
    else:
        x, y = as_floats(reference, "reference"), as_floats(current, "current")
        if np.ndim(bins) == 0:
            number = int(np.asarray(bins))
            if number < 2:
                raise ValueError(f"bins is {number}, expected 2 or more")
            edges = np.unique(np.quantile(x, np.arange(1, number) / number, method="inverted_cdf"))
            # An edge at the largest value would leave a bin that no reference row can be in.
            edges = edges[edges < x.max()]
            if len(edges) == 0:
                edges = np.array([x.min()])
        else:
            edges = np.unique(as_floats(np.asarray(bins), "bins"))
        tables = [
            np.bincount(np.searchsorted(edges, v, side="left"), minlength=len(edges) + 1) * 1.0
            for v in (x, y)
        ]
    return tables[0].astype(np.float64), tables[1].astype(np.float64)


def _categories(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, expected (n,) with n of 1 or more")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(
            f"{name} holds values that are NaN or infinite; give missing rows their own category"
        )
    if array.dtype.kind == "O":
        missing = sum(v is None or v != v for v in array)
        if missing:
            raise ValueError(f"{name} holds {missing} missing values; give them their own category")
        array = array.astype(str)
    return array.astype(str) if array.dtype.kind not in "US" else array
