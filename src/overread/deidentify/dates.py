"""Dates moved back by a number of days, in every form that DICOM values have.

Sources: PS3.5 table 6.2-1 (DA, DT, TM); ACR-NEMA 2.0 wrote dates as ``1993.01.02`` and times with colons.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_DAY = re.compile(r"(\d{4})([.]?)(\d{2})\2(\d{2})")
_MOMENT = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?([+-]\d{4})?")
_TIME = re.compile(r"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?")
_RANGE = re.compile(r"([^-]*)-([^-]*)")


def shift_date(value: str, days: int) -> str | None:
    """A DA value ``days`` earlier, in the form that it had; None where it is no date.

    A range (of a query) has both ends moved. Year and month, or a year alone, are moved as their first day.
    """
    text = value.strip(" \0")
    if not text:
        return ""
    ends = _RANGE.fullmatch(text)
    if ends:
        moved = [shift_date(end, days) for end in ends.groups()]
        return None if None in moved else "-".join(str(end) for end in moved)
    found = _DAY.fullmatch(text)
    if found:
        day = _moved(int(found[1]), int(found[3]), int(found[4]), days)
        return None if day is None else day.strftime(f"%Y{found[2]}%m{found[2]}%d").zfill(len(text))
    if re.fullmatch(r"\d{4}(\d{2})?", text):
        return shift_moment(text, days)
    return None


def shift_moment(value: str, days: int) -> str | None:
    """A DT value ``days`` earlier: time of day and offset from UTC as they were; None where it is no DT."""
    text = value.strip(" \0")
    if not text:
        return ""
    found = _MOMENT.fullmatch(text)
    if not found or (found[4] and not found[3]) or not is_time(found[4] or ""):
        return None
    day = _moved(int(found[1]), int(found[2] or 1), int(found[3] or 1), days)
    if day is None:
        return None
    length = 4 + len(found[2] or "") + len(found[3] or "")
    return f"{day.year:04d}{day:%m%d}"[:length] + (found[4] or "") + (found[5] or "")


def is_time(value: str) -> bool:
    """Whether a TM value is a time of day, or empty."""
    text = value.strip(" \0")
    if not _TIME.fullmatch(text):
        return not text
    parts = re.findall(r"\d{2}", text.split(".")[0])
    return all(int(part) <= most for part, most in zip(parts, (24, 59, 60), strict=False))


def written_forms(value: str) -> tuple[str, ...]:
    """The forms in which people write the full date that a DA or DT value begins with; none without one."""
    found = _DAY.match(value.strip(" \0"))
    if not found or _moved(int(found[1]), int(found[3]), int(found[4]), 0) is None:
        return ()
    y, m, d = found[1], found[3], found[4]
    parted = [f"{a}{s}{b}{s}{c}" for s in "-./" for a, b, c in ((y, m, d), (d, m, y), (m, d, y))]
    return tuple(dict.fromkeys((y + m + d, *parted)))


def _moved(year: int, month: int, day: int, days: int) -> date | None:
    try:
        return date(year, month, day) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None
