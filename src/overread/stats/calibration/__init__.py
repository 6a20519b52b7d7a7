"""Calibration: do probabilities mean what they say? Measures, tests, curves, calibrators, conformal sets."""

from overread.stats.calibration.brier import (
    BrierDecomposition,
    CorpDecomposition,
    brier,
    brier_decomposition,
    brier_skill_score,
    corp_decomposition,
)
from overread.stats.calibration.calibrators import (
    BetaCalibration,
    Calibrator,
    IsotonicCalibration,
    PlattScaling,
    TemperatureScaling,
    VectorScaling,
    calibrator_from_dict,
)
from overread.stats.calibration.curve import ReliabilityBin, reliability_curve
from overread.stats.calibration.error import ace, ece, mce
from overread.stats.calibration.goodness_of_fit import (
    CalibrationTest,
    HosmerLemeshowResult,
    hosmer_lemeshow,
    spiegelhalter,
)
from overread.stats.calibration.inputs import CLIP, Binning
from overread.stats.calibration.log_loss import log_loss
from overread.stats.calibration.slope_intercept import CalibrationLine, calibration_slope_intercept, oe_ratio
from overread.stats.calibration.smooth import CalibrationCurve, CalibrationIndex, calibration_curve, ici
from overread.stats.calibration.temperature import TEMPERATURES, fit_temperature
from overread.stats.conformal import (
    ConformalSets,
    RiskControl,
    class_coverage,
    conformal_lac_quantile,
    conformal_risk_control,
    false_negative_rates,
    set_coverage,
    set_size,
    size_stratified_coverage,
)

__all__ = [
    "CLIP",
    "TEMPERATURES",
    "BetaCalibration",
    "Binning",
    "BrierDecomposition",
    "CalibrationCurve",
    "CalibrationIndex",
    "CalibrationLine",
    "CalibrationTest",
    "Calibrator",
    "ConformalSets",
    "CorpDecomposition",
    "HosmerLemeshowResult",
    "IsotonicCalibration",
    "PlattScaling",
    "ReliabilityBin",
    "RiskControl",
    "TemperatureScaling",
    "VectorScaling",
    "ace",
    "brier",
    "brier_decomposition",
    "brier_skill_score",
    "calibration_curve",
    "calibration_slope_intercept",
    "calibrator_from_dict",
    "class_coverage",
    "conformal_lac_quantile",
    "conformal_risk_control",
    "corp_decomposition",
    "ece",
    "false_negative_rates",
    "fit_temperature",
    "hosmer_lemeshow",
    "ici",
    "log_loss",
    "mce",
    "oe_ratio",
    "reliability_curve",
    "set_coverage",
    "set_size",
    "size_stratified_coverage",
    "spiegelhalter",
]
