"""What every chart shares: its design with run lengths, its run over data, and the scale of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from overread.stats.arrays import Floats, Ints, as_floats


@dataclass(frozen=True)
class ChartDesign:
    """A chart made for a wanted in-control run length, and what it then does.

    ``parameters`` go into the chart's own function. ``arl0`` is the run length in control that is really
    reached (points until a false alarm), ``arl1`` that under ``shift`` (points until the alarm).
    ``delay_cases`` and ``delay_days`` are arl1 in cases and days, ``false_alarm_days`` is arl0 in days;
    the days are None without a number of cases a day.
    """

    chart: str
    parameters: dict[str, float]
    target_arl0: float
    arl0: float
    shift: float
    arl1: float
    delay_cases: float
    delay_days: float | None = None
    false_alarm_days: float | None = None


@dataclass(frozen=True)
class Chart:
    """A chart run over data.

    ``statistic`` (n,) against ``lower`` and ``upper`` (n,); ``signals`` are the indices outside of them and
    ``first_signal`` the first, or None. ``mean`` and ``sd`` are the in-control values that were used.
    """

    chart: str
    statistic: Floats
    lower: Floats
    upper: Floats
    signals: Ints
    first_signal: int | None
    mean: float
    sd: float


def chart_design(
    chart: str,
    parameters: dict[str, float],
    wanted: float,
    arl0: float,
    shift: float,
    arl1: float,
    cases_per_point: float,
    cases_per_day: float | None,
) -> ChartDesign:
    """The design with its run lengths also in cases and days."""
    if cases_per_point <= 0 or (cases_per_day is not None and cases_per_day <= 0):
        raise ValueError("cases_per_point and cases_per_day must be above 0")
    design = ChartDesign(chart, parameters, wanted, arl0, shift, arl1, arl1 * cases_per_point)
    if cases_per_day is None:
        return design
    return replace(
        design,
        delay_days=arl1 * cases_per_point / cases_per_day,
        false_alarm_days=arl0 * cases_per_point / cases_per_day,
    )


def standardised(
    x: ArrayLike, mean: float | None, sd: float | None, baseline: int | None
) -> tuple[Floats, float, float]:
    """Standardised observations (n,) and the in-control mean and standard deviation that were used.

    Those come from the caller, or are estimated (sd with n - 1) from the first ``baseline`` observations.

    Raises ValueError where neither is given, or the standard deviation is not above 0.
    """
    values = as_floats(x, "x")
    if mean is None or sd is None:
        if baseline is None:
            raise ValueError(
                "give mean and sd of the process in control, or baseline: how many first values to use"
            )
        if not 2 <= baseline <= len(values):
            raise ValueError(f"baseline is {baseline}, expected 2 to {len(values)} of the values")
        first = values[:baseline]
        mean = float(first.mean()) if mean is None else mean
        sd = float(first.std(ddof=1)) if sd is None else sd
    if not sd > 0:
        raise ValueError(f"the standard deviation in control is {sd}, expected above 0")
    return (values - mean) / sd, float(mean), float(sd)


def first_of(signals: Ints) -> int | None:
    """Index of the first signal, or None."""
    return int(signals[0]) if len(signals) else None


def solve_limit(arl: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """The limit at which a run length that grows with it reaches ``wanted``; ``high`` is raised as needed.

    Raises ValueError where ``wanted`` is below the run length of the lowest limit.
    """
    if not wanted > 1:
        raise ValueError(f"arl0 is {wanted}, expected more than 1 point")
    if arl(low) > wanted:
        raise ValueError(f"arl0 is {wanted}, but even a limit of {low:g} gives {arl(low):.3g}; ask for more")
    while arl(high) < wanted:
        low, high = high, 1.5 * high
        if high > 1e3:
            raise ValueError(f"no limit below 1000 gives an in-control run length of {wanted:g}")
    return float(brentq(lambda limit: np.log(arl(limit) / wanted), low, high, xtol=1e-12, rtol=1e-13))


def check_sides(sides: str) -> None:
    """Raise ValueError unless ``sides`` is ``one`` or ``two``."""
    if sides not in ("one", "two"):
        raise ValueError(f"sides is {sides!r}, expected 'one' or 'two'")


def check_interval(h: float, head_start: float) -> None:
    """Raise ValueError unless h is above 0 and the head start from 0 to below h."""
    if not h > 0 or not 0 <= head_start < h:
        raise ValueError(
            f"h = {h} and head_start = {head_start}, expected h > 0 and head_start from 0 to below h"
        )


def check_shift(shift: float) -> None:
    """Raise ValueError for a shift that is NaN or infinite."""
    if not np.isfinite(shift):
        raise ValueError(f"shift is {shift}, expected a number of standard deviations")


def run_lengths(kernel: Floats) -> Floats:
    """Mean number of points until a signal from each state (m,).

    ``kernel`` (m, m): chances to go from one state to another without a signal.
    """
    lengths: Floats = np.linalg.solve(np.eye(len(kernel)) - kernel, np.ones(len(kernel))).astype(np.float64)
    return lengths


def quasi_stationary(kernel: Floats) -> Floats:
    """Where a chart that has not signalled for long is: left eigenvector (m,) of ``kernel`` (m, m), sum 1."""
    vector = np.full(len(kernel), 1 / len(kernel))
    for _ in range(100_000):
        following = vector @ kernel
        following /= following.sum()
        if np.abs(following - vector).max() < 1e-13:
            break
        vector = following
    return vector
