"""From which distance of the features on an image is refused: fixed on tuning cases, with the share refused stated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate import patients
from overread.runtime.looks import beyond, shown_by
from overread.runtime.manifest_uncertainty import Distance
from overread.runtime.uncertainty.distance import Method

SPARE = 1.1
"""Factor upon the limit: tuning and later patients are never quite alike, and another kind lies far beyond."""


def distance_limit(
    apart: NDArray[np.float64],
    method: Method,
    *,
    cluster: NDArray[Any] | None = None,
    aimed: float | None = None,
) -> Distance:
    """The limit from the distances ``(n,)`` of tuning cases, which had no part in the references.

    ``aimed`` is the share of further patients like them that it refuses, by default as few as they can show.

    It is the conformal quantile, by patients where ``cluster (n,)`` names them. Fewer than 1 / ``aimed`` patients have
    none: the largest distance is then set further away, as far as the tail of an exponential would reach, and what is
    guaranteed is the share 1 / (patients + 1) that lies beyond the largest of them. Raises ValueError for no case.
    """
    if len(apart) == 0:
        raise ValueError("no tuning case has a distance")
    units = patients.count(cluster, len(apart))
    if aimed is None:
        aimed = shown_by(units)
    most = patients.quantile(apart, coverage=1 - aimed, cluster=cluster)
    refused = aimed
    if not np.isfinite(most):
        middle = float(np.median(apart))
        most = middle + beyond(units, aimed) * (float(apart.max()) - middle)
        refused = 1 / (units + 1)
    return Distance(
        method=method, most=float(most) * SPARE, refused=float(refused), aimed=aimed, patients=units
    )
