"""Intervals of proportions, of their differences, of a mean, of any statistic, and of the next case."""

from overread.stats.interval import Interval
from overread.stats.intervals.bootstrap import bootstrap_ci, bootstrap_weighted_ci
from overread.stats.intervals.difference import paired_difference_ci, proportion_difference_ci
from overread.stats.intervals.mean import mean_ci, ratio_ci
from overread.stats.intervals.prediction import PredictionLimits, prediction_limits, ratio_prediction_limits
from overread.stats.intervals.proportion import proportion_ci, rate_ci

__all__ = [
    "Interval",
    "PredictionLimits",
    "bootstrap_ci",
    "bootstrap_weighted_ci",
    "mean_ci",
    "paired_difference_ci",
    "prediction_limits",
    "proportion_ci",
    "proportion_difference_ci",
    "rate_ci",
    "ratio_ci",
    "ratio_prediction_limits",
]
