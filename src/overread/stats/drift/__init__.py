"""Drift: have the inputs, the predictions or the class frequencies changed, and what does it do to accuracy?

Each test gives a p-value and an effect with its interval; identical data are never flagged.
"""

from overread.stats.drift.binned import (
    chi_square,
    chi_square_from_counts,
    cramers_v,
    jensen_shannon,
    psi,
    psi_from_counts,
    psi_from_proportions,
)
from overread.stats.drift.bins import binned_counts
from overread.stats.drift.distance import energy, ks, wasserstein
from overread.stats.drift.features import FeatureDrift, feature_drift
from overread.stats.drift.label_shift import LabelShift, label_shift, label_shift_from_table
from overread.stats.drift.mmd import median_distance, mmd
from overread.stats.drift.one_sample import OneSampleTest, ks_one_sample
from overread.stats.drift.performance import CalibrationCheck, PerformanceEstimate, cbpe, expected_metric
from overread.stats.drift.result import DriftTest

__all__ = [
    "CalibrationCheck",
    "DriftTest",
    "FeatureDrift",
    "LabelShift",
    "OneSampleTest",
    "PerformanceEstimate",
    "binned_counts",
    "cbpe",
    "chi_square",
    "chi_square_from_counts",
    "cramers_v",
    "energy",
    "expected_metric",
    "feature_drift",
    "jensen_shannon",
    "ks",
    "ks_one_sample",
    "label_shift",
    "label_shift_from_table",
    "median_distance",
    "mmd",
    "psi",
    "psi_from_counts",
    "psi_from_proportions",
    "wasserstein",
]
