"""Fairness between groups of patients: rates, gaps, tests, calibration, weights."""

from overread.stats.fairness.between import GroupGap, largest_gap
from overread.stats.fairness.calibration import GroupCalibration, calibration_by_group
from overread.stats.fairness.comparisons import GroupTest, GroupTests, group_tests
from overread.stats.fairness.gaps import WorstGroupGap, worst_group_gap
from overread.stats.fairness.groups import GroupRates, by_group
from overread.stats.fairness.parity import (
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equal_opportunity_ratio,
    equalized_odds_difference,
    equalized_odds_ratio,
    predictive_parity_difference,
)
from overread.stats.fairness.reweighing import reweighing_weights

__all__ = [
    "GroupCalibration",
    "GroupGap",
    "GroupRates",
    "GroupTest",
    "GroupTests",
    "WorstGroupGap",
    "by_group",
    "calibration_by_group",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equal_opportunity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "group_tests",
    "largest_gap",
    "predictive_parity_difference",
    "reweighing_weights",
    "worst_group_gap",
]
