"""How far measured volumes and counts are off on the tuning cases, for the intervals of later answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate import patients
from overread.runtime.manifest import Spread
from overread.stats.intervals import PredictionLimits, ratio_prediction_limits

COVERAGE = 0.9
# Fewer tuning patients than this say nothing about the tails of an error: then no interval is stated.
FEWEST_PATIENTS = 9


def ratio_spread(pairs: NDArray[np.float64], *, cluster: NDArray[Any] | None = None) -> Spread | None:
    """Spread of true over found volume; ``pairs`` is ``(cases, 2)`` of found and true volume.

    None with fewer than `FEWEST_PATIENTS`, or with nothing there in any case.
    """
    if patients.count(cluster, len(pairs)) < FEWEST_PATIENTS or not (pairs[:, 1] > 0).any():
        return None
    found, true = pairs.T
    limits = ratio_prediction_limits(found, true, coverage=COVERAGE)
    offset = limits.offset
    if cluster is not None:
        limits = patients.limits((true + offset) / (found + offset), coverage=COVERAGE, cluster=cluster)
    return _spread(limits, offset)


def difference_spread(errors: NDArray[np.float64], *, cluster: NDArray[Any] | None = None) -> Spread | None:
    """Limits that cover the error ``(cases,)`` of a further case, None with fewer than `FEWEST_PATIENTS`."""
    if patients.count(cluster, len(errors)) < FEWEST_PATIENTS:
        return None
    return _spread(patients.limits(errors, coverage=COVERAGE, cluster=cluster), 0.0)


def _spread(limits: PredictionLimits, offset: float) -> Spread:
    return Spread(low=limits.low, high=limits.high, coverage=limits.coverage, cases=limits.n, offset=offset)
