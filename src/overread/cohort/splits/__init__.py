"""Splits by patient that stay when rows are added.

A split that depends on nothing but the patient moves nobody, and meets shares only in expectation
(`by_patient`). Every other one needs a memory: the splits that patients already have (``current``), which the
table's own column keeps. Patients with one stay where they are; new ones go where they are short.
"""

from overread.cohort.splits.apply import SplitResult, split_table, strata_of
from overread.cohort.splits.folds import folds
from overread.cohort.splits.patient import by_patient
from overread.cohort.splits.site import by_site, leave_sites_out
from overread.cohort.splits.stratified import stratified
from overread.cohort.splits.temporal import temporal

__all__ = [
    "SplitResult",
    "by_patient",
    "by_site",
    "folds",
    "leave_sites_out",
    "split_table",
    "strata_of",
    "stratified",
    "temporal",
]
