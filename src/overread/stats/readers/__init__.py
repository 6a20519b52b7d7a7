"""Multi-reader multi-case studies: readers and cases both vary, and both must stand in the error bars."""

from __future__ import annotations

from overread.stats.readers.figure_of_merit import (
    FigureOfMerit,
    FiguresOfMerit,
    figures_of_merit,
    jackknife_covariance,
    sensitivity_at,
    specificity_at,
)
from overread.stats.readers.gallas import BCK_NAMES, UStatistic, u_statistic, u_statistic_variance
from overread.stats.readers.goals import (
    ReaderHypothesisTest,
    reader_equivalence,
    reader_goal_test,
    reader_noninferiority,
)
from overread.stats.readers.obuchowski import obuchowski_rockette, obuchowski_rockette_summary
from overread.stats.readers.results import (
    Anova,
    ObuchowskiRockette,
    ReaderTest,
    TreatmentDifference,
    TreatmentEstimate,
    VarianceComponents,
    dbm_components,
)
from overread.stats.readers.roemetz import roe_metz, roe_metz_auc, roe_metz_separation
from overread.stats.readers.sample_size import ReaderPower, reader_power, reader_sample_size
from overread.stats.readers.study import ReaderStudy, reader_study

__all__ = [
    "BCK_NAMES",
    "Anova",
    "FigureOfMerit",
    "FiguresOfMerit",
    "ObuchowskiRockette",
    "ReaderHypothesisTest",
    "ReaderPower",
    "ReaderStudy",
    "ReaderTest",
    "TreatmentDifference",
    "TreatmentEstimate",
    "UStatistic",
    "VarianceComponents",
    "dbm_components",
    "figures_of_merit",
    "jackknife_covariance",
    "obuchowski_rockette",
    "obuchowski_rockette_summary",
    "reader_equivalence",
    "reader_goal_test",
    "reader_noninferiority",
    "reader_power",
    "reader_sample_size",
    "reader_study",
    "roe_metz",
    "roe_metz_auc",
    "roe_metz_separation",
    "sensitivity_at",
    "specificity_at",
    "u_statistic",
    "u_statistic_variance",
]
