"""A small ridge-regularised logistic regression, and its scores on cases it was not fitted to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

STEPS = 25
RIDGE = 1.0


def fit_logistic(x: Floats, y: NDArray[np.bool_], ridge: float = RIDGE) -> Floats:
    """Weights ``(k + 1,)``, the intercept first, of features ``x`` (n, k) by Newton's method (le Cessie and van
    Houwelingen, J R Stat Soc C 1992;41:191). ``ridge`` is the penalty on the weights of standardised features;
    the intercept bears none."""
    a = np.column_stack([np.ones(len(x)), x])
    penalty = ridge * np.eye(a.shape[1])
    penalty[0, 0] = 1e-9
    w = np.zeros(a.shape[1])
    for _ in range(STEPS):
        p = expit(a @ w)
        gradient = a.T @ (y - p) - penalty @ w
        weight = np.maximum(p * (1 - p), 1e-9)
        step = np.linalg.solve((a * weight[:, None]).T @ a + penalty, gradient)
        # A step of more than this overshoots where classes all but separate.
        w += step * min(1.0, 5 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return w


def cross_validated(x: Floats, y: NDArray[np.bool_], fold: NDArray[np.int64]) -> Floats:
    """Scores ``(n,)`` of each case by a model fitted to the other folds, features standardised there."""
    score = np.zeros(len(y))
    for k in np.unique(fold):
        inside = fold != k
        mean, scale = x[inside].mean(axis=0), x[inside].std(axis=0)
        z = (x - mean) / np.where(scale > 1e-12, scale, 1)
        # A column that is constant in the others says nothing of this fold.
        z[:, scale <= 1e-12] = 0
        w = fit_logistic(z[inside], y[inside])
        score[~inside] = w[0] + z[~inside] @ w[1:]
    return score
