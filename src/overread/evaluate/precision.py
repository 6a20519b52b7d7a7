"""Average precision of a score: what the precision-recall curve holds, for findings that are rare."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.stats.interval import Interval
from overread.stats.intervals import bootstrap_weighted_ci


def average_precision(
    truth: NDArray[np.bool_], score: NDArray[np.float64], *, cluster: NDArray[Any] | None = None
) -> Interval:
    """Precision averaged over the recalls that ``score (n,)`` gives as its threshold falls, with a percentile bootstrap
    interval over cases, or over patients (``cluster (n,)``).

    No interpolation (Davis and Goadrich, ICML 2006): the sum of precision times the recall gained, equal scores
    together, as scikit-learn's ``average_precision_score``. A score that says nothing gives the share of positive
    cases.

    Raises ValueError where all cases or none have it.
    """
    yes = np.asarray(truth, np.bool_)
    if yes.all() or not yes.any():
        raise ValueError("every case has it" if len(yes) and yes.all() else "no case has it")
    order = np.argsort(-score, kind="stable")
    hits, last = yes[order], np.flatnonzero(np.append(np.diff(score[order]) != 0, True))

    def areas(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        w = weights[:, order]
        called = np.cumsum(w, axis=1)[:, last]
        right = np.cumsum(w * hits, axis=1)[:, last]
        total = right[:, -1:]
        gained = np.diff(right, axis=1, prepend=0.0)
        precision = np.divide(right, called, out=np.zeros_like(right), where=called > 0)
        found: NDArray[np.float64] = np.divide(
            (gained * precision).sum(axis=1), total[:, 0], out=np.full(len(w), np.nan), where=total[:, 0] > 0
        )
        return found

    return bootstrap_weighted_ci(areas, len(yes), cluster=cluster, method="percentile", undefined="drop")
