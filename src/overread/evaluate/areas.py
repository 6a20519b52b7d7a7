"""The mean area under the ROC curves of several findings, each over the cases that state it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.stats.interval import Interval
from overread.stats.intervals import bootstrap_weighted_ci
from overread.stats.roc.resample import WeightedAuc


def mean_area(
    truth: NDArray[np.float64], score: NDArray[np.float64], *, cluster: NDArray[Any] | None = None
) -> Interval:
    """Mean over findings of the area, with a percentile bootstrap interval over cases, or over patients.

    Parameters
    ----------
    truth
        ``(n, findings)`` of 1, 0, and NaN where a case states nothing: it then counts in no area of that finding.
    score
        ``(n, findings)``, higher where the finding is likelier.

    All findings of a case are drawn together, so that their correlation counts. A resample that lost all positives (or
    negatives) of a finding averages over the others.

    Raises ValueError where a finding has no positive or no negative case, there is none, or a single case.
    """
    if truth.shape[1] == 0:
        raise ValueError("no finding has both cases with it and cases without it")
    known = [np.isfinite(column) for column in truth.T]
    areas = []
    for k, where in enumerate(known):
        there = truth[where, k] == 1
        if there.all() or not there.any():
            raise ValueError(f"finding {k} has {int(there.sum())} positive of {len(there)} cases")
        areas.append(WeightedAuc(there, score[where, k]))

    def mean(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.stack([area(weights[:, w]) for area, w in zip(areas, known, strict=True)])
        there = np.isfinite(found)
        total = np.where(there, found, 0.0).sum(axis=0)
        means: NDArray[np.float64] = np.divide(
            total, there.sum(axis=0), out=np.full(len(weights), np.nan), where=there.any(axis=0)
        )
        return means

    return bootstrap_weighted_ci(mean, len(truth), cluster=cluster, method="percentile", undefined="drop")
