"""The temperature of a network's logits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax

from overread.stats.arrays import as_binary, as_classes, as_floats, same_length

TEMPERATURES = (0.02, 50.0)


def fit_temperature(logits: ArrayLike, y: ArrayLike) -> float:
    """The temperature T that makes softmax(logits / T) most likely (Guo et al., ICML 2017).

    ``logits`` (n, k) with class indices ``y`` (n,), or (n,) of class 1 with ``y`` in {0, 1}. T lies between
    0.02 and 50: on separated classes, where the best T would be 0, it stays above 0.
    """
    scores = as_floats(logits, "logits", ndim=np.ndim(logits) if np.ndim(logits) in (1, 2) else 1)
    if scores.ndim == 1:
        labels = as_binary(y, both=False)
        same_length(len(scores), labels, "y")
        signed = np.where(labels, scores, -scores)

        def loss(log_t: float) -> float:
            return float(-log_expit(signed / np.exp(log_t)).mean())

    else:
        truth = as_classes(y, classes=scores.shape[1])
        same_length(len(scores), truth, "y")
        rows = np.arange(len(truth))

        def loss(log_t: float) -> float:
            return float(-log_softmax(scores / np.exp(log_t), axis=1)[rows, truth].mean())

    bounds = (float(np.log(TEMPERATURES[0])), float(np.log(TEMPERATURES[1])))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    best = min((found.x, *bounds), key=loss)
    return float(np.exp(best))
