"""How many cases a study needs, and what a given number of them can show.

Every function states its method, its assumptions and what the rounded numbers achieve. Sizes from a wanted
power take ``power``; give the number of cases instead and its power is returned.
"""

from overread.stats.power.after_stopping import SequentialEstimate, estimate_after_stopping
from overread.stats.power.auc import (
    auc_difference,
    auc_goal,
    auc_precision,
    auc_standard_error,
    detectable_auc,
)
from overread.stats.power.cluster import (
    ClusterSize,
    cluster_randomised_means,
    cluster_randomised_proportions,
    cluster_survey_one_stage,
    cluster_survey_two_stage,
    design_effect,
)
from overread.stats.power.conditional import ConditionalPower, conditional_power
from overread.stats.power.development import (
    PredictionModelSize,
    cox_snell_from_c_statistic,
    development_binary,
    development_continuous,
    development_survival,
    max_cox_snell,
)
from overread.stats.power.goal import (
    PerformanceGoalPower,
    PerformanceGoalSize,
    performance_goal,
    performance_goal_power,
)
from overread.stats.power.margins import (
    equivalence_means,
    equivalence_proportions,
    noninferiority_means,
    noninferiority_proportions,
    paired_noninferiority,
    superiority_means,
    superiority_proportions,
)
from overread.stats.power.observed_auc import auc_difference_from_pilot
from overread.stats.power.precision import (
    icc_precision,
    kappa_precision,
    limits_of_agreement_precision,
    mean_precision,
    proportion_precision,
    sd_precision,
    sensitivity_specificity_precision,
)
from overread.stats.power.result import SampleSize
from overread.stats.power.sequential import GroupSequentialDesign, group_sequential, spending_function
from overread.stats.power.two_arms import (
    discordant_proportions,
    paired_proportions,
    two_means,
    two_proportions,
)
from overread.stats.power.validation import (
    net_benefit_variance,
    validation_binary,
    validation_continuous,
)

__all__ = [
    "ClusterSize",
    "ConditionalPower",
    "GroupSequentialDesign",
    "PerformanceGoalPower",
    "PerformanceGoalSize",
    "PredictionModelSize",
    "SampleSize",
    "SequentialEstimate",
    "auc_difference",
    "auc_difference_from_pilot",
    "auc_goal",
    "auc_precision",
    "auc_standard_error",
    "cluster_randomised_means",
    "cluster_randomised_proportions",
    "cluster_survey_one_stage",
    "cluster_survey_two_stage",
    "conditional_power",
    "cox_snell_from_c_statistic",
    "design_effect",
    "detectable_auc",
    "development_binary",
    "development_continuous",
    "development_survival",
    "discordant_proportions",
    "equivalence_means",
    "equivalence_proportions",
    "estimate_after_stopping",
    "group_sequential",
    "icc_precision",
    "kappa_precision",
    "limits_of_agreement_precision",
    "max_cox_snell",
    "mean_precision",
    "net_benefit_variance",
    "noninferiority_means",
    "noninferiority_proportions",
    "paired_noninferiority",
    "paired_proportions",
    "performance_goal",
    "performance_goal_power",
    "proportion_precision",
    "sd_precision",
    "sensitivity_specificity_precision",
    "spending_function",
    "superiority_means",
    "superiority_proportions",
    "two_means",
    "two_proportions",
    "validation_binary",
    "validation_continuous",
]
