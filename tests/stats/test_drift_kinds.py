"""Columns by what they hold: a shift of numbers is found whatever type a table gave them, identifiers are refused."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from overread.stats.drift import binned_counts, chi_square, feature_drift
from overread.stats.drift.kinds import column

FORMS: dict[str, Callable[[list[float]], Any]] = {
    "object": lambda v: pd.Series(v, dtype=object),
    "Decimal": lambda v: pd.Series([Decimal(str(x)) for x in v]),
    "Fraction": lambda v: [Fraction(x) for x in v],
    "text": lambda v: [f" {x}" for x in v],
    "bytes": lambda v: np.array([str(x).encode() for x in v]),
    "pandas text": lambda v: pd.Series([str(x) for x in v], dtype="string"),
    "category": lambda v: pd.Series(v).astype("category"),
    "Float64": lambda v: pd.Series(v, dtype="Float64"),
    "mixed": lambda v: [int(x) if x == int(x) else np.float32(x) for x in v],
    "exponents": lambda v: [f"{x:e}" for x in v],
    "durations": lambda v: [datetime.timedelta(seconds=x) for x in v],
    "timedelta64": lambda v: np.array([int(1000 * x) for x in v], "timedelta64[ms]"),
}


@pytest.mark.parametrize("form", FORMS)
def test_numbers_of_any_type_are_tested_as_numbers(form: str) -> None:
    before, now = [x / 2 for x in range(100)], [x / 2 + 30 for x in range(100)]
    found = feature_drift({"dose": FORMS[form](before)}, {"dose": FORMS[form](now)}, resamples=10)[0]
    assert found.test.name == "Kolmogorov-Smirnov" and found.drifted
    right = ks_2samp(before, now)
    assert found.test.p_value == pytest.approx(right.pvalue, rel=1e-6)
    assert found.test.statistic == pytest.approx(right.statistic)
    alike = feature_drift({"dose": FORMS[form](before)}, {"dose": FORMS[form](before)}, resamples=10)[0]
    assert not alike.drifted and alike.test.statistic == 0


@pytest.mark.parametrize(
    "values",
    [
        ["A", "B", "A"],
        [True, False, True],
        np.array([True, False]),
        pd.Series([True, False], dtype=object),
        ["1.5T", "3T"],
        ["08001", "09212"],
        ["1", "unknown"],
        [1, "1b"],
        ["1,5", "2,5"],
    ],
)
def test_text_and_truth_values_are_categories(values: Any) -> None:
    assert column(values, "x")[0] == "categories"


@pytest.mark.parametrize(
    "values",
    [
        pd.date_range("2024-01-01", periods=60),
        [datetime.date(2024, 1, 1 + k % 28) for k in range(60)],
        [f"2024-02-{1 + k % 28:02d}" for k in range(60)],
        [f"2024-02-{1 + k % 28:02d}T10:00:00" for k in range(60)],
        [f"202402{1 + k % 28:02d}" for k in range(60)],
        [20240201 + k % 28 for k in range(60)],
    ],
    ids=["datetime64", "date", "ISO", "ISO time", "DICOM text", "DICOM number"],
)
def test_dates_are_refused_in_words(values: Any) -> None:
    with pytest.raises(ValueError, match="feature day: holds dates, which differ between any two periods"):
        feature_drift({"day": values}, {"day": values})


def test_identifiers_and_free_text_are_refused() -> None:
    before, now = [f"ACC-{k:05d}" for k in range(40)], [f"ACC-{k:05d}" for k in range(40, 80)]
    with pytest.raises(ValueError, match=r"feature id: .*80 different values in 80 rows: identifiers"):
        feature_drift({"id": before}, {"id": now})
    with pytest.raises(ValueError, match="identifiers"):
        chi_square(before, now, bins=None)
    # Numbers that are told to be categories, without bins, would be compared one by one: never a difference.
    with pytest.raises(ValueError, match="give a number of bins"):
        binned_counts(np.arange(100.0), np.arange(1000.0, 1100.0), None)
    leading = [f"{k:06d}" for k in range(40)]
    with pytest.raises(ValueError, match="identifiers"):
        feature_drift({"id": leading}, {"id": leading})


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ([1.0, 2.0], ["a", "b"], "holds numbers in reference and categories in current"),
        ([1, None], [1, 2], "reference holds 1 missing values"),
        ([1, 2], pd.Series([1, pd.NA], dtype="Int64"), "current holds 1 values that are NaN"),
        ([Decimal("NaN"), 1], [1, 2], "reference holds 1 missing values"),
        (["a", pd.NaT], ["a", "b"], "reference holds 1 missing values"),
        ([[1.0], [2.0]], [1.0, 2.0], "shape"),
    ],
)
def test_what_cannot_be_compared_is_refused(before: Any, now: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        feature_drift({"x": before}, {"x": now})
