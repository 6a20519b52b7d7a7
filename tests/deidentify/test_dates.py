"""Dates: every form moved by the same days, nothing that is no date let through."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.deidentify.dates import is_time, shift_date, shift_moment, written_forms


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20240301", "20240229"),
        ("20230301", "20230228"),
        ("20240101", "20231231"),
        ("1993.01.02", "1993.01.01"),
        ("20240301 ", "20240229"),
        ("20240301-20240310", "20240229-20240309"),
        ("20240301-", "20240229-"),
        ("202403", "202402"),
        ("2024", "2023"),
        ("", ""),
        ("20241301", None),
        ("2024-03-01", None),
        ("Zwyxel", None),
        ("20240301 Zwyxel", None),
        ("00010101", None),
    ],
)
def test_da_moved_by_one_day(value: str, expected: str | None) -> None:
    assert shift_date(value, 1) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20240301101112.123456+0100", "20240229101112.123456+0100"),
        ("2024030110", "2024022910"),
        ("202403", "202402"),
        ("2024", "2023"),
        ("2024+0100", "2023+0100"),
        ("20240301", "20240229"),
        ("20240301991112", None),
        ("19470319 Zwyxel", None),
    ],
)
def test_dt_moved_by_one_day(value: str, expected: str | None) -> None:
    assert shift_moment(value, 1) == expected


@pytest.mark.parametrize("value", ["101112", "101112.123456", "10:11:12", "1011", "10", "", "235960"])
def test_times(value: str) -> None:
    assert is_time(value)


@pytest.mark.parametrize("value", ["Anna", "251112", "1", "10111", "101112 Anna", "12345678"])
def test_no_times(value: str) -> None:
    assert not is_time(value)


@settings(max_examples=50)
@given(
    st.dates(date(1905, 1, 1), date(2030, 1, 1)),
    st.dates(date(1905, 1, 1), date(2030, 1, 1)),
    st.integers(1, 3650),
)
def test_intervals_are_kept(one: date, other: date, days: int) -> None:
    moved = [shift_date(f"{d:%Y%m%d}", days) for d in (one, other)]
    back = [date(int(m[:4]), int(m[4:6]), int(m[6:])) for m in moved if m]
    assert back[1] - back[0] == other - one
    assert back[0] == one - timedelta(days=days)
    assert shift_moment(f"{one:%Y%m%d}120000", days) == f"{moved[0]}120000"


def test_forms_in_which_a_date_is_looked_for() -> None:
    forms = written_forms("19470319101112")
    assert {"19470319", "1947-03-19", "19.03.1947", "03/19/1947"} <= set(forms)
    assert written_forms("1947") == ()
    assert written_forms("99999999") == ()
