"""Quantiles that count patients, not images: of one patient several images say little more than one.

Split conformal inference takes the earlier cases and the new one as exchangeable; of repeated images that holds for
the patients. Each image weighs 1 over the images of its patient, and the new patient weighs 1 on the far side
(hierarchical conformal prediction: Lee, Barber and Willett, 2023, arXiv 2306.06342; Dunn, Wasserman and Ramdas,
J Am Stat Assoc 2023;118:2491). With one image a patient both functions are the usual ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.stats.intervals import PredictionLimits

_ROUNDING = 1e-9  # sums of fractions lie a rounding error beside whole ranks


def count(cluster: NDArray[Any] | None, n: int) -> int:
    """Number of patients of ``n`` cases; every case is a patient where ``cluster`` is None."""
    return n if cluster is None else len(np.unique(cluster))


def quantile(scores: NDArray[np.float64], *, coverage: float, cluster: NDArray[Any] | None = None) -> float:
    """The smallest score ``(n,)`` that a new patient's score exceeds with probability 1 - ``coverage`` or less.

    Infinity where the patients are too few for that, or there are none.
    """
    if len(scores) == 0:
        return float("inf")
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(_weights(len(scores), cluster)[order])
    index = int(np.searchsorted(reached, coverage * (count(cluster, len(scores)) + 1) - _ROUNDING))
    return float("inf") if index == len(scores) else float(scores[order][index])


def limits(
    values: NDArray[np.float64], *, coverage: float, cluster: NDArray[Any] | None = None
) -> PredictionLimits:
    """Limits between which a new patient's value lies with probability ``coverage``, as far as ``values (n,)`` go.

    Where the patients are too few they are the outermost values, and the coverage stated is what these have. ``n`` is
    the number of patients. Raises ValueError for fewer than two patients.
    """
    units = count(cluster, len(values))
    if units < 2:
        raise ValueError("one patient has no spread; expected two or more")
    order = np.argsort(values, kind="stable")
    x, w = values[order], _weights(len(values), cluster)[order]
    spare = max(0.0, (units + 1) * (1 - coverage) / 2 - 1) + _ROUNDING
    below, above = np.cumsum(w) - w, np.cumsum(w[::-1])[::-1] - w
    low, high = int(np.flatnonzero(below <= spare)[-1]), int(np.flatnonzero(above <= spare)[0])
    held = (units - 1 - below[low] - above[high]) / (units + 1)
    return PredictionLimits(float(x[low]), float(x[high]), float(held), units)


def _weights(n: int, cluster: NDArray[Any] | None) -> NDArray[np.float64]:
    if cluster is None:
        return np.ones(n)
    _, codes, sizes = np.unique(cluster, return_inverse=True, return_counts=True)
    shares: NDArray[np.float64] = 1.0 / sizes[codes]
    return shares
