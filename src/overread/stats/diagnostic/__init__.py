"""Diagnostic accuracy: 2x2 tables, paired tests, goals, and tables of classes, labels and grades."""

from overread.stats.diagnostic.from_labels import diagnostic_accuracy_from_labels
from overread.stats.diagnostic.goals import (
    NonInferiorityTest,
    PerformanceGoalTest,
    equivalence_test,
    non_inferiority_test,
    non_inferiority_test_paired,
    performance_goal_test,
)
from overread.stats.diagnostic.matthews import matthews_correlation
from overread.stats.diagnostic.mcnemar_test import McNemarTest, mcnemar, mcnemar_clustered
from overread.stats.diagnostic.multiclass import (
    MulticlassTable,
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    multiclass_table,
)
from overread.stats.diagnostic.multilabel import MultilabelTable, multilabel_table
from overread.stats.diagnostic.paired_predictive import PredictiveComparison, compare_predictive_values
from overread.stats.diagnostic.predictive import PredictiveValues, predictive_values
from overread.stats.diagnostic.rates import ClassRates, MeanRates
from overread.stats.diagnostic.table import DiagnosticAccuracy, diagnostic_accuracy
from overread.stats.diagnostic.verification_bias import VerificationCorrected, begg_greenes
from overread.stats.ordinal import ordinal_auc, ordinal_mae, quadratic_kappa

__all__ = [
    "ClassRates",
    "DiagnosticAccuracy",
    "McNemarTest",
    "MeanRates",
    "MulticlassTable",
    "MultilabelTable",
    "NonInferiorityTest",
    "PerformanceGoalTest",
    "PredictiveComparison",
    "PredictiveValues",
    "VerificationCorrected",
    "accuracy",
    "balanced_accuracy",
    "begg_greenes",
    "compare_predictive_values",
    "confusion_matrix",
    "diagnostic_accuracy",
    "diagnostic_accuracy_from_labels",
    "equivalence_test",
    "matthews_correlation",
    "mcnemar",
    "mcnemar_clustered",
    "multiclass_table",
    "multilabel_table",
    "non_inferiority_test",
    "non_inferiority_test_paired",
    "ordinal_auc",
    "ordinal_mae",
    "performance_goal_test",
    "predictive_values",
    "quadratic_kappa",
]
