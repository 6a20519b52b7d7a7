"""Days in which a manufacturer must report (21 CFR 803.50, 803.53) and what a work day is (803.3)."""

from __future__ import annotations

from datetime import date, timedelta

CALENDAR_DAYS, WORK_DAYS = 30, 5
"""30 calendar days after becoming aware; 5 work days where remedial action prevents substantial harm."""


def due(aware: date, *, five_day: bool) -> date:
    """The last day for the report of an event that the maker became aware of on ``aware``."""
    return after_work_days(aware, WORK_DAYS) if five_day else aware + timedelta(days=CALENDAR_DAYS)


def after_work_days(start: date, days: int) -> date:
    """The day ``days`` work days after ``start``: Monday to Friday, without federal holidays."""
    day = start
    while days:
        day += timedelta(days=1)
        if (
            day.weekday() < 5
            and day not in federal_holidays(day.year)
            and day not in federal_holidays(day.year + 1)
        ):
            days -= 1
    return day


def federal_holidays(year: int) -> frozenset[date]:
    """Days on which federal offices are closed (5 U.S.C. 6103), moved to Friday or Monday from a weekend."""
    fixed = [date(year, m, d) for m, d in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
    moved = [day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0)) for day in fixed]
    return frozenset(
        [
            *moved,
            _nth(year, 1, 0, 3),
            _nth(year, 2, 0, 3),
            _last_monday_of_may(year),
            _nth(year, 9, 0, 1),
            _nth(year, 10, 0, 2),
            _nth(year, 11, 3, 4),
        ]
    )


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())
