"""From logits to probabilities, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from overread.runtime.manifest import Calibration, Scale, ScoreBin
from overread.runtime.manifest_calibration import Curve


def softmax(logits: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """Probabilities along ``axis``, computed without overflow and in the type of ``logits``.

    In float32 a margin above 16.6 is exactly 1: give float64 where probabilities are compared between cases.
    """
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    p: NDArray[np.floating] = e / e.sum(axis=axis, keepdims=True)
    return p


def log_odds(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """``log(p / (1 - p))`` of each of the ``(classes,)`` softmax probabilities.

    Computed without them: it stays apart where they round to 0 or 1, so that cases keep their order.
    """
    out = np.empty(len(logits))
    for k, z in enumerate(logits):
        rest = np.delete(logits, k)
        most = rest.max()
        out[k] = z - (most + np.log(np.exp(rest - most).sum()))
    return out


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """``1 / (1 + exp(-logits))`` without overflow."""
    small = np.exp(-np.abs(logits))
    p: NDArray[np.float64] = np.where(logits >= 0, 1, small) / (1 + small)
    return p


def scaled(logit: float, scale: Scale | None) -> float:
    """Calibrated log odds of a finding or an object (Platt 1999); as they are where nothing was fitted."""
    return float(logit) if scale is None else scale.slope * float(logit) + scale.intercept


def curved(odds: float, curve: Curve) -> float:
    """Calibrated log odds by a curve; beyond its ends with the slope of the last line, so that ranks stay."""
    x, y = np.array(curve.odds), np.array(curve.calibrated)
    k = int(np.clip(np.searchsorted(x, odds) - 1, 0, len(x) - 2))
    return float(y[k] + (odds - x[k]) * (y[k + 1] - y[k]) / (x[k + 1] - x[k]))


def entropy(p: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """Entropy of probabilities relative to its largest possible value: 0 sure, 1 no idea."""
    h: NDArray[np.floating] = -(p * np.log(np.maximum(p, 1e-12))).sum(axis=axis) / np.log(p.shape[axis])
    return h


def observed(label: str, score: float, calibration: Calibration) -> tuple[float, float] | None:
    """90% limits of how often tuning cases with such a score had ``label``; None where no bin holds it.

    One bin for all scores only says how often the label was there: it is no answer about this score.
    """
    for part in calibration.bins.get(label, []):
        if part.low <= score <= part.high and not _holds_all(part):
            return part.observed_low, part.observed_high
    return None


def unobserved(
    labels: Iterable[str], intervals: Mapping[str, tuple[float, float]], calibration: Calibration
) -> dict[str, str]:
    """Why the tuning cases say nothing of the scores of ``labels``, for those that have no ``intervals``."""
    reasons = {}
    for label in labels:
        if label in intervals:
            continue
        if label in calibration.reasons:
            reasons[label] = calibration.reasons[label]
        elif any(map(_holds_all, calibration.bins.get(label, []))):
            reasons[label] = (
                f"{calibration.bins[label][0].cases} tuning cases are too few to tell scores apart"
            )
    return reasons


def _holds_all(part: ScoreBin) -> bool:
    return part.low <= 0 and part.high >= 1
