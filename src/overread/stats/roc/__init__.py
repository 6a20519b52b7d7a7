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
from overread.stats.roc.hand_till import hand_till
from overread.stats.roc.hanley import HanleyMcNeil, expand_ratings, hanley_mcneil
from overread.stats.roc.operating_points import OperatingPointResult, operating_point, operating_point_at
from overread.stats.roc.partial import partial_auc
from overread.stats.roc.partial_test import PartialAucComparison, partial_auc_test
from overread.stats.roc.precision_recall import (
    PrecisionRecallCurve,
    average_precision,
    precision_recall_curve,
)

__all__ = [
    "AucComparison",
    "ContrastRow",
    "HanleyMcNeil",
    "OperatingPointResult",
    "PartialAucComparison",
    "PrecisionRecallCurve",
    "RocBand",
    "RocContrast",
    "RocCurve",
    "auc",
    "auc_macro",
    "average_precision",
    "delong_test",
    "expand_ratings",
    "hand_till",
    "hanley_mcneil",
    "operating_point",
    "operating_point_at",
    "partial_auc",
    "partial_auc_test",
    "precision_recall_curve",
    "roc_band",
    "roc_contrast",
    "roc_curve",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]
