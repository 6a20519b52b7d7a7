"""What a score meant on the tuning cases: limits of the calibration curve at that score, not of a whole bin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from overread.evaluate.patients import count
from overread.runtime.manifest import ScoreBin
from overread.stats.calibration.logistic import logistic

CONFIDENCE = 0.9
FEWEST_OF_A_KIND = 10
_CLIP = 1e-6
_INNER = (0.005, 0.01, 0.02, 0.05, *(k / 20 for k in range(2, 19)), 0.95, 0.98, 0.99, 0.995)
STEPS = (0.0, *_INNER, 1.0)
"""Edges of the scores within which one pair of limits is stated: the wider of those at both ends."""


def score_bins(
    score: NDArray[np.float64], truth: NDArray[np.bool_], *, cluster: NDArray[Any] | None = None
) -> tuple[list[ScoreBin], str]:
    """90% limits of how often a case with such a score has the label, by steps of the score; or none, and why.

    Logistic recalibration of ``score (n,)`` on the log odds (Cox, Biometrika 1958;45:562) with Platt's smoothed
    targets, which keep the curve finite where the tuning cases are separated. Its limits are pointwise (delta method);
    with ``cluster (n,)`` the variance is the larger of the model's and that between patients, with Student's t of the
    patients. They say where the curve lies, not how sure one case is: a score that was too high lies above its limits.
    """
    kinds = [count(None if cluster is None else cluster[k], int(k.sum())) for k in (truth, ~truth)]
    if min(kinds) < FEWEST_OF_A_KIND:
        return [], (
            f"{kinds[0]} tuning patients with it and {kinds[1]} without; what a score means needs {FEWEST_OF_A_KIND} "
            "of each"
        )
    x = logit(np.clip(score, _CLIP, 1 - _CLIP))
    if np.ptp(x) < 1e-9:
        return [], "every tuning case has the same score"
    beta, covariance, t = curve(x, truth, cluster)
    if beta[1] <= 0:
        return [], "higher scores were no more often right on the tuning cases"
    edges = logit(np.clip(STEPS, _CLIP, 1 - _CLIP))
    low, high = limits(edges, beta, covariance, t)
    n = count(cluster, len(score))
    return [
        ScoreBin(
            low=STEPS[i],
            high=STEPS[i + 1],
            observed_low=float(min(low[i : i + 2])),
            observed_high=float(max(high[i : i + 2])),
            cases=n,
        )
        for i in range(len(STEPS) - 1)
    ], ""


def curve(
    x: NDArray[np.float64], truth: NDArray[np.bool_], cluster: NDArray[Any] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Intercept and slope ``(2,)`` of the log odds on ``x (n,)``, their covariance ``(2, 2)``, and how many standard
    errors the limits lie off. Raises ValueError where it does not converge."""
    yes, no = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (yes + 1) / (yes + 2), 1 / (no + 2))
    design = np.stack([np.ones_like(x), x], axis=1)
    beta, _ = logistic(design, target, np.zeros_like(x), np.array([0.0, 1.0]))
    fitted = expit(design @ beta)
    bread = np.linalg.inv(design.T @ (design * (fitted * (1 - fitted))[:, None]))
    codes = np.arange(len(x)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    units = int(codes.max()) + 1
    covariance = bread
    if units < len(x):
        moved = design * (target - fitted)[:, None]
        sums = np.stack([np.bincount(codes, column) for column in moved.T], axis=1)
        between = units / (units - 1) * bread @ (sums.T @ sums) @ bread
        # Of the two the one that leaves more room, in total: both are estimates.
        covariance = max((bread, between), key=np.trace)
    return beta, covariance, float(stdtrit(units - 2, 0.5 + CONFIDENCE / 2))


def limits(
    x: NDArray[np.float64], beta: NDArray[np.float64], covariance: NDArray[np.float64], t: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper limit of the curve at ``x (m,)``, as probabilities."""
    design = np.stack([np.ones_like(x), x], axis=1)
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    return expit(design @ beta - t * error), expit(design @ beta + t * error)
