"""Time to an event, some not seen to the end: curves, their comparison, regression, and how well a score ranks."""

from overread.stats.survival.concordance import harrell_c, uno_c
from overread.stats.survival.cox import CoxModel, CoxTerm, cox_regression
from overread.stats.survival.dynamic_auc import dynamic_auc
from overread.stats.survival.kaplan_meier import SurvivalCurve, kaplan_meier
from overread.stats.survival.log_rank import LogRankTest, log_rank

__all__ = [
    "CoxModel",
    "CoxTerm",
    "LogRankTest",
    "SurvivalCurve",
    "cox_regression",
    "dynamic_auc",
    "harrell_c",
    "kaplan_meier",
    "log_rank",
    "uno_c",
]
