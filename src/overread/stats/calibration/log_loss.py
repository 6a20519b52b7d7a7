"""Log loss: the mean surprise at the true class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import as_binary, as_classes, as_probabilities, same_length
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci


def log_loss(
    y: ArrayLike,
    p: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    floor: float = float(np.finfo(np.float64).eps),
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Mean of -log of the probability given to the true class (nats), with a bootstrap interval.

    Good, J R Stat Soc B 1952;14:107. ``y`` (n,) in {0, 1} with ``p`` (n,) of class 1, or class indices with ``p``
    (n, k). Probabilities below ``floor`` count as it: one case of probability 0 would make the mean infinite, so with
    such cases the value is that of the floor, not of the model. An equal guess of k classes has log(k).

    Raises ValueError for NaN, wrong shapes or probabilities outside 0 to 1.
    """
    if not 0 < floor < 0.5:
        raise ValueError(f"floor is {floor}, expected a small number above 0")
    if np.ndim(p) == 2:
        rows = as_probabilities(p, "p", 2)
        t = as_classes(y, "y", classes=rows.shape[1])
        same_length(len(t), rows, "p")
        given = rows[np.arange(len(t)), t] / rows.sum(axis=1)
    else:
        one = as_probabilities(p, "p")
        labels = as_binary(y, "y", both=False)
        same_length(len(labels), one, "p")
        given = np.where(labels, one, 1 - one)
    surprise = -np.log(np.maximum(given, floor))
    bounds = (0.0, float(-np.log(floor)))
    return mean_ci(surprise, cluster=cluster, method="bca", confidence=confidence, seed=seed, bounds=bounds)
