"""A line between two measurements of the same cases."""

from __future__ import annotations

from dataclasses import dataclass

from overread.stats.interval import Interval


@dataclass(frozen=True)
class Line:
    """second = ``intercept`` + ``slope`` * first; agreement is slope 1 and intercept 0."""

    slope: Interval
    intercept: Interval
    method: str
