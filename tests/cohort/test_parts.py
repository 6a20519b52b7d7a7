"""Splits by hash."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.cohort.adapters.common import splits_of
from overread.cohort.splits.parts import SPLITS, split_of
from overread.errors import InputError


@given(st.text(), st.integers(0, 2**31))
def test_split_depends_on_patient_and_seed_alone(patient: str, seed: int) -> None:
    assert split_of(patient, seed=seed) == split_of(patient, seed=seed) in SPLITS


def test_shares_are_met() -> None:
    found = Counter(split_of(f"p{i}", {"train": 0.6, "val": 0.1, "test": 0.3}) for i in range(20000))
    assert abs(found["train"] / 20000 - 0.6) < 0.015 and abs(found["test"] / 20000 - 0.3) < 0.015


@given(st.sets(st.text(min_size=1), min_size=3, max_size=40))
def test_no_split_is_empty(patients: set[str]) -> None:
    splits = splits_of(patients)
    assert set(splits) == patients and set(splits.values()) == set(SPLITS)


def test_two_patients_cannot_be_split_in_three() -> None:
    with pytest.raises(InputError, match="found 2 patients, expected at least 3"):
        splits_of(["a", "b"])
