"""Logistic regression by Newton's method, for recalibration."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from overread.stats.arrays import Floats


def logistic(
    design: Floats, target: Floats, offset: Floats, start: Floats, *, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Coefficients (c,) and their standard errors, by Newton's method with step halving.

    ``design`` (n, c), ``target`` (n,) between 0 and 1, ``offset`` (n,) a fixed part of the linear predictor.
    """
    w = np.ones(len(target)) if weights is None else weights

    def loss(coefficients: Floats) -> float:
        eta = design @ coefficients + offset
        return float(-(w * (target * log_expit(eta) + (1 - target) * log_expit(-eta))).sum())

    beta, value = start, loss(start)
    for _ in range(100):
        fitted = expit(design @ beta + offset)
        information = design.T @ (design * (w * fitted * (1 - fitted))[:, None])
        step = np.linalg.lstsq(information, design.T @ (w * (target - fitted)), rcond=None)[0]
        size = 1.0
        while loss(beta + size * step) > value + 1e-12 * abs(value) and size > 1e-6:
            size /= 2
        beta = beta + size * step
        value = loss(beta)
        if np.abs(size * step).max() < 1e-10 * (1 + np.abs(beta).max()):
            break
    else:
        raise ValueError("logistic recalibration did not converge; p is almost separating or almost constant")
    fitted = expit(design @ beta + offset)
    information = design.T @ (design * (w * fitted * (1 - fitted))[:, None])
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))
