"""Calibration within each group: equal error rates do not imply that a probability means the same."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from overread.stats.arrays import as_binary, as_groups, as_probabilities, same_length
from overread.stats.calibration import brier, calibration_slope_intercept, ece
from overread.stats.fairness.groups import Group, group_codes
from overread.stats.interval import Interval


@dataclass(frozen=True)
class GroupCalibration:
    """Calibration of one group; slope and intercepts are None where they do not exist, for the ``reason`` given."""

    group: str
    n: int
    positives: int
    slope: Interval | None
    intercept: Interval | None
    in_the_large: Interval | None
    brier: Interval
    ece: Interval | None
    reason: str


def calibration_by_group(
    y: ArrayLike,
    p: ArrayLike,
    group: Group,
    *,
    bins: int = 10,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[GroupCalibration, ...]:
    """Slope, intercept, calibration in the large, Brier score and ECE of each group.

    ``y`` (n,) of 0 and 1, ``p`` (n,) probability of class 1, ``group`` as in ``by_group``. Measures and limits are
    those of ``overread.stats.calibration``; ``cluster`` (n,) is taken into account by Brier score and ECE.

    Raises ValueError for NaN, wrong shapes, or probabilities outside 0 to 1.
    """
    labels, probability = as_binary(y, both=False), as_probabilities(p)
    same_length(len(labels), probability, "p")
    codes, names = group_codes(group, len(labels))
    clusters = as_groups(cluster, len(labels))
    out = []
    for k, name in enumerate(names):
        inside = codes == k
        truth, given = labels[inside], probability[inside]
        units = None if clusters is None else clusters[inside]
        slope = intercept = large = error = None
        reason = ""
        try:
            line = calibration_slope_intercept(truth, given, confidence=confidence)
            slope, intercept, large = line.slope, line.intercept, line.in_the_large
        except ValueError as trouble:
            reason = str(trouble)
        try:
            error = ece(truth, given, bins=bins, cluster=units, confidence=confidence, seed=seed)
        except ValueError as trouble:
            reason = reason or str(trouble)
        score = brier(truth, given, cluster=units, confidence=confidence, seed=seed)
        out.append(
            GroupCalibration(
                name, int(inside.sum()), int(truth.sum()), slope, intercept, large, score, error, reason
            )
        )
    return tuple(out)
