"""The temperature of a classifier's logits, with a brake: few tuning cases must not make later scores certain."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax, stdtrit

from overread.stats.calibration import TEMPERATURES

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Temperature:
    """``value`` is what the scores are divided by; ``estimate`` what was fitted, with its interval."""

    value: float
    estimate: float
    low: float
    high: float
    confidence: float
    cases: int

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def fit(
    logits: NDArray[np.floating], y: NDArray[np.integer], *, cluster: NDArray[Any] | None = None
) -> Temperature:
    """Temperature of ``logits (n, k)`` with class indices ``y (n,)`` (Guo et al., ICML 2017).

    Targets are smoothed as Platt (Advances in Large Margin Classifiers 1999) does: as if each class of n cases had two
    more, one right and one wrong. The true class gets (n + 1) / (n + 2), the others share the rest; one more for every
    class would flatten the scores of many classes the more, the more of them there are. The likelihood of separated
    classes then has its largest value at a temperature above 0. One below 1, which makes scores more certain than the
    network's own, is only taken where its interval excludes 1. The interval is that of the log, from the variance
    between patients (``cluster (n,)``).
    """
    z = np.asarray(logits, np.float64)
    n, k = z.shape
    target = smoothed(y, k)

    def loss(a: float) -> float:
        return float(-(target * log_softmax(z * np.exp(-a), axis=1)).sum() / n)

    bounds = (float(np.log(TEMPERATURES[0])), float(np.log(TEMPERATURES[1])))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    a = min((float(found.x), *bounds), key=loss)
    half = _half_width(z * np.exp(-a), target, cluster)
    # Beyond the bounds of the fit an interval says nothing.
    low, high = (float(np.exp(np.clip(a + side, *bounds))) for side in (-half, half))
    estimate = float(np.exp(a))
    return Temperature(1.0 if estimate < 1 <= high else estimate, estimate, low, high, CONFIDENCE, n)


def smoothed(y: NDArray[np.integer], classes: int) -> NDArray[np.float64]:
    """``(n, classes)``: the targets of class indices ``y (n,)``, smoothed as `fit` says; rows sum to 1."""
    wrong = 1 / (np.bincount(y, minlength=classes)[y][:, None] + 2)
    found: NDArray[np.float64] = np.where(np.arange(classes) == y[:, None], 1 - wrong, wrong / (classes - 1))
    return found


def _half_width(u: NDArray[np.float64], target: NDArray[np.float64], cluster: NDArray[Any] | None) -> float:
    """Half the interval of the log of the temperature, by the sandwich estimator over patients."""
    p = softmax(u, axis=1)
    slope = -((p - target) * u).sum(axis=1)
    curvature = float((p * u**2).sum() - ((p * u).sum(axis=1) ** 2).sum() - slope.sum())
    if cluster is not None:
        slope = np.bincount(np.unique(cluster, return_inverse=True)[1], slope)
    units = len(slope)
    if units < 2 or curvature <= 0:
        return float("inf")
    error = np.sqrt(units / (units - 1) * (slope**2).sum()) / curvature
    return float(stdtrit(units - 1, 0.5 + CONFIDENCE / 2) * error)
