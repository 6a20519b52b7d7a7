"""Shewhart chart: each point on its own against a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from overread.stats.control.design import (
    Chart,
    ChartDesign,
    chart_design,
    check_shift,
    check_sides,
    first_of,
    standardised,
)


def shewhart_arl(*, limit: float = 3.0, shift: float = 0.0, sides: str = "two") -> float:
    """Average run length of normal points against ``limit`` standard deviations; exact.

    ``shift`` of the mean in standard deviations; ``sides`` two, or one (the upper).
    """
    check_sides(sides)
    _check_limit(limit)
    check_shift(shift)
    beyond = ndtr(shift - limit) + (ndtr(-shift - limit) if sides == "two" else 0.0)
    return float(1 / beyond)


def shewhart_limit(*, arl0: float, sides: str = "two") -> float:
    """The limit, in standard deviations, that gives the in-control run length ``arl0``."""
    check_sides(sides)
    least = 1.0 if sides == "two" else 2.0
    if not arl0 > least:
        raise ValueError(f"arl0 is {arl0}, expected more than {least:g} points")
    return float(-ndtri(1 / (arl0 * (2 if sides == "two" else 1))))


def shewhart_design(
    *,
    arl0: float = 370.0,
    shift: float = 1.0,
    sides: str = "two",
    cases_per_point: float = 1.0,
    cases_per_day: float | None = None,
) -> ChartDesign:
    """Design for a wanted in-control run length; ``shift`` (standard deviations) is what arl1 is stated for."""
    limit = shewhart_limit(arl0=arl0, sides=sides)
    return chart_design(
        "Shewhart",
        {"limit": limit},
        arl0,
        shewhart_arl(limit=limit, shift=0, sides=sides),
        shift,
        shewhart_arl(limit=limit, shift=shift, sides=sides),
        cases_per_point,
        cases_per_day,
    )


def shewhart_chart(
    x: ArrayLike,
    *,
    limit: float = 3.0,
    mean: float | None = None,
    sd: float | None = None,
    baseline: int | None = None,
    sides: str = "two",
) -> Chart:
    """Run the chart over observations (n,).

    In-control ``mean`` and ``sd`` are given or estimated from the first ``baseline`` observations; an
    estimate makes false alarms come sooner than designed. ``statistic`` is x itself.
    """
    check_sides(sides)
    _check_limit(limit)
    z, centre, spread = standardised(x, mean, sd, baseline)
    signals = np.flatnonzero(np.abs(z) > limit if sides == "two" else z > limit)
    ones = np.ones(len(z))
    return Chart(
        "Shewhart",
        centre + spread * z,
        (centre - limit * spread if sides == "two" else -np.inf) * ones,
        (centre + limit * spread) * ones,
        signals,
        first_of(signals),
        centre,
        spread,
    )


def _check_limit(limit: float) -> None:
    if not limit > 0:
        raise ValueError(f"limit is {limit}, expected above 0")
