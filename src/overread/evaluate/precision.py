"""Average precision of a score: what the precision-recall curve holds, for findings that are rare."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.stats.interval import Interval
from overread.stats.intervals import bootstrap_weighted_ci
from overread.stats.roc.precision_recall import WeightedAveragePrecision


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
    areas = WeightedAveragePrecision(yes, np.asarray(score, np.float64))
    return bootstrap_weighted_ci(areas, len(yes), cluster=cluster, method="percentile", undefined="drop")
