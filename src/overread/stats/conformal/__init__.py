"""Conformal prediction: sets, limits and thresholds with a guarantee for finitely many exchangeable cases."""

from overread.stats.conformal.quantile import conformal_lac_quantile, conformal_quantile
from overread.stats.conformal.regression import ConformalBand, conformalised_quantiles, split_conformal
from overread.stats.conformal.risk import RiskControl, conformal_risk_control, false_negative_rates
from overread.stats.conformal.scores import aps_scores, lac_scores, raps_scores
from overread.stats.conformal.sets import (
    ConformalSets,
    class_coverage,
    set_coverage,
    set_size,
    size_stratified_coverage,
)

__all__ = [
    "ConformalBand",
    "ConformalSets",
    "RiskControl",
    "aps_scores",
    "class_coverage",
    "conformal_lac_quantile",
    "conformal_quantile",
    "conformal_risk_control",
    "conformalised_quantiles",
    "false_negative_rates",
    "lac_scores",
    "raps_scores",
    "set_coverage",
    "set_size",
    "size_stratified_coverage",
    "split_conformal",
]
