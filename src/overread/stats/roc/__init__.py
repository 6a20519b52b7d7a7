"""ROC curves, their areas, comparisons and operating points.

Higher scores speak for class 1; positive is score >= threshold.
"""

from overread.stats.roc.area import auc, auc_macro
from overread.stats.roc.compare import (
    AucComparison,
    ContrastRow,
    RocContrast,
    delong_test,
    roc_contrast,
)
from overread.stats.roc.curve import RocCurve, roc_curve
from overread.stats.roc.fixed_specificity import (
    RocBand,
    roc_band,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)
from overread.stats.roc.hanley import HanleyMcNeil, expand_ratings, hanley_mcneil
from overread.stats.roc.operating_points import OperatingPointResult, operating_point, operating_point_at
from overread.stats.roc.partial import partial_auc

__all__ = [
    "AucComparison",
    "ContrastRow",
    "HanleyMcNeil",
    "OperatingPointResult",
    "RocBand",
    "RocContrast",
    "RocCurve",
    "auc",
    "auc_macro",
    "delong_test",
    "expand_ratings",
    "hanley_mcneil",
    "operating_point",
    "operating_point_at",
    "partial_auc",
    "roc_band",
    "roc_contrast",
    "roc_curve",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]
