"""Criteria of group fairness as differences and ratios between groups."""

from __future__ import annotations

from typing import TypedDict, Unpack

from numpy.typing import ArrayLike

from overread.stats.arrays import check_confidence
from overread.stats.fairness.gaps import largest_difference, measures_of
from overread.stats.fairness.groups import Group
from overread.stats.fairness.measured import Metric
from overread.stats.interval import Interval


class Options(TypedDict, total=False):
    """Options that all criteria share; see ``worst_group_gap``."""

    cluster: ArrayLike | None
    min_group_size: int
    confidence: float
    resamples: int
    seed: int


def demographic_parity_difference(
    y: ArrayLike, predicted: ArrayLike, group: Group, **options: Unpack[Options]
) -> Interval:
    """Largest difference of two groups' selection rates, P(called | group).

    ``y`` and ``predicted`` (n,) of 0 and 1; ``y`` plays no part and keeps the arguments of all criteria alike. Options
    (``cluster``, ``min_group_size``, ``confidence``, ``resamples``, ``seed``) and limits are those of
    ``worst_group_gap``.
    """
    return _criterion(y, predicted, group, ["selection"], False, **options)


def demographic_parity_ratio(
    y: ArrayLike, predicted: ArrayLike, group: Group, **options: Unpack[Options]
) -> Interval:
    """Lowest over highest selection rate; below 0.8 breaks the "four-fifths rule".

    Limits are those of ``worst_group_gap`` on the log scale, with half a case added to every rate.
    """
    return _criterion(y, predicted, group, ["selection"], True, **options)


def equalized_odds_difference(
    y: ArrayLike, predicted: ArrayLike, group: Group, **options: Unpack[Options]
) -> Interval:
    """Larger of the two gaps in true and in false positive rate (Hardt, Price and Srebro, NeurIPS 2016)."""
    return _criterion(y, predicted, group, ["tpr", "fpr"], False, **options)


def equalized_odds_ratio(
    y: ArrayLike, predicted: ArrayLike, group: Group, **options: Unpack[Options]
) -> Interval:
    """Smaller of the two ratios, lowest over highest, of true and of false positive rates."""
    return _criterion(y, predicted, group, ["tpr", "fpr"], True, **options)


def equal_opportunity_difference(
    y: ArrayLike, predicted: ArrayLike, group: Group, **options: Unpack[Options]
) -> Interval:
    """Largest difference of true positive rates (Hardt, Price and Srebro, NeurIPS 2016)."""
    return _criterion(y, predicted, group, ["tpr"], False, **options)


def equal_opportunity_ratio(
    y: ArrayLike, predicted: ArrayLike, group: Group, **options: Unpack[Options]
) -> Interval:
    """Lowest over highest true positive rate."""
    return _criterion(y, predicted, group, ["tpr"], True, **options)


def predictive_parity_difference(
    y: ArrayLike, predicted: ArrayLike, group: Group, **options: Unpack[Options]
) -> Interval:
    """Largest difference of positive predictive values (Chouldechova, Big Data 2017;5:153)."""
    return _criterion(y, predicted, group, ["ppv"], False, **options)


def _criterion(
    y: ArrayLike,
    predicted: ArrayLike,
    group: Group,
    metrics: list[Metric],
    ratio: bool,
    cluster: ArrayLike | None = None,
    min_group_size: int = 1,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    check_confidence(confidence)
    measures, _ = measures_of(y, predicted, group, metrics, None, cluster, min_group_size, resamples, seed)
    return largest_difference(measures, confidence, logs=ratio)
