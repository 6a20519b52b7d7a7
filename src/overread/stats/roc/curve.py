"""The ROC curve. Higher scores speak for class 1; positive is score >= threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_binary, as_floats, same_length


@dataclass(frozen=True)
class RocCurve:
    """Points of the ROC curve, from (0, 0) to (1, 1), one per distinct score.

    ``thresholds`` (m,) fall; the first is infinity (nothing positive). ``sensitivity`` (m,) and
    ``false_positive_rate`` (m,) rise.
    """

    thresholds: Floats
    sensitivity: Floats
    false_positive_rate: Floats

    @property
    def specificity(self) -> Floats:
        """1 - false-positive rate (m,)."""
        return 1 - self.false_positive_rate


def roc_curve(y: ArrayLike, score: ArrayLike, *, weights: ArrayLike | None = None) -> RocCurve:
    """Empirical ROC curve of labels (n,) in {0, 1} and scores (n,); equal scores make one point.

    ``weights`` (n,) are sampling weights, such as the inverse of the chance that a case was verified.
    """
    labels, s = checked(y, score)
    order = np.argsort(-s, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(s[order])), len(s) - 1)
    thresholds = np.concatenate([[np.inf], s[order][ends]])
    if weights is None:
        hits = np.cumsum(labels[order])[ends].astype(np.float64)
        alarms = ends + 1 - hits
    else:
        w = checked_weights(weights, labels)[order]
        hits, alarms = np.cumsum(w * labels[order])[ends], np.cumsum(w * ~labels[order])[ends]
    return RocCurve(
        thresholds,
        np.concatenate([[0.0], hits / hits[-1]]),
        np.concatenate([[0.0], alarms / alarms[-1]]),
    )


def checked(y: ArrayLike, score: ArrayLike, name: str = "score") -> tuple[Bools, Floats]:
    """Labels of both classes and as many finite scores."""
    labels, s = as_binary(y), as_floats(score, name)
    same_length(len(labels), s, name)
    return labels, s


def checked_weights(weights: ArrayLike, labels: Bools) -> Floats:
    """Weights (n,) of 0 or more, some above 0 in each class."""
    w = as_floats(weights, "weights")
    same_length(len(labels), w, "weights")
    if (w < 0).any():
        raise ValueError(f"weights holds {w.min():g}, expected 0 or more")
    for label in (0, 1):
        if not w[labels == label].any():
            raise ValueError(f"all weights of class {label} are 0; expected some above 0 in each class")
    return w
