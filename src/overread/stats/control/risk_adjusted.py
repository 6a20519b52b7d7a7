"""Risk-adjusted CUSUM: events watched against the risk that each case had."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, Ints, as_binary, as_probabilities, same_length
from overread.stats.control.bernoulli import EventChart, run_events
from overread.stats.control.design import ChartDesign, chart_design, run_lengths, solve_limit

_CELLS = 300


def risk_adjusted_weights(risk: ArrayLike, *, odds_ratio: float) -> tuple[Floats, Floats]:
    """Log likelihood ratios (n,) of an event and of none, for cases with these risks in control.

    Steiner, Cook, Farewell and Treasure, Biostatistics 2000;1:441: out of control the odds of the event are
    ``odds_ratio`` times those of the ``risk`` (n,).

    Raises ValueError for risks of 0 or 1, or an odds ratio that is not above 0 or is 1.
    """
    p = as_probabilities(risk, "risk")
    if (p <= 0).any() or (p >= 1).any():
        raise ValueError("risk holds 0 or 1; expected risks between them")
    if not odds_ratio > 0 or odds_ratio == 1:
        raise ValueError(f"odds_ratio is {odds_ratio}, expected above 0 and other than 1")
    none = -np.log1p((odds_ratio - 1) * p)
    return np.log(odds_ratio) + none, none


def risk_adjusted_cusum_arl(
    risk: ArrayLike, *, odds_ratio: float, h: float, true_odds_ratio: float = 1.0
) -> float:
    """Average number of cases until the sum reaches ``h``, for a mix of cases with these ``risk`` (n,).

    A Markov chain on 300 cells between 0 and h, as in Steiner 2000, with each step shared between the two
    nearest cells; within about 2 per cent for a mix of risks. With one risk for all the sum takes few values
    and ``bernoulli_cusum_arl`` is exact. ``true_odds_ratio`` 1 is in control.
    """
    if not h > 0 or not true_odds_ratio > 0:
        raise ValueError(f"h = {h} and true_odds_ratio = {true_odds_ratio}, expected above 0")
    event, none = risk_adjusted_weights(risk, odds_ratio=odds_ratio)
    p = as_probabilities(risk, "risk")
    chance = true_odds_ratio * p / (1 - p + true_odds_ratio * p)
    width = h / _CELLS
    kernel = np.zeros((_CELLS, _CELLS + 1))
    place = np.arange(_CELLS)
    for step, share in ((event, chance), (none, 1 - chance)):
        whole, part, mass = _grouped(step / width, share / len(p))
        for move, rest, weight in zip(whole, part, mass, strict=True):
            for offset, amount in ((move, 1 - rest), (move + 1, rest)):
                np.add.at(kernel, (place, np.clip(place + offset, 0, _CELLS)), weight * amount)
    lengths = run_lengths(kernel[:, :_CELLS])
    return float(lengths[0])


def risk_adjusted_cusum_h(risk: ArrayLike, *, odds_ratio: float, arl0: float) -> float:
    """The decision interval that gives the in-control run length ``arl0`` in cases."""
    return solve_limit(lambda h: risk_adjusted_cusum_arl(risk, odds_ratio=odds_ratio, h=h), arl0, 0.05, 4.0)


def risk_adjusted_cusum_design(
    risk: ArrayLike, *, odds_ratio: float, arl0: float, cases_per_day: float | None = None
) -> ChartDesign:
    """Design for a wanted in-control run length in cases; arl1 is stated for ``odds_ratio``."""
    h = risk_adjusted_cusum_h(risk, odds_ratio=odds_ratio, arl0=arl0)
    return chart_design(
        "risk-adjusted CUSUM",
        {"odds_ratio": odds_ratio, "h": h},
        arl0,
        risk_adjusted_cusum_arl(risk, odds_ratio=odds_ratio, h=h),
        odds_ratio,
        risk_adjusted_cusum_arl(risk, odds_ratio=odds_ratio, h=h, true_odds_ratio=odds_ratio),
        1.0,
        cases_per_day,
    )


def risk_adjusted_cusum_chart(
    event: ArrayLike, risk: ArrayLike, *, odds_ratio: float, h: float, restart: bool = False
) -> EventChart:
    """Run the chart over cases in order of time: ``event`` (n,) of 0 and 1, ``risk`` (n,) of each case."""
    hit = as_binary(event, "event", both=False)
    up, down = risk_adjusted_weights(risk, odds_ratio=odds_ratio)
    same_length(len(hit), up, "risk")
    return run_events(np.where(hit, up, down), h, head_start=0.0, restart=restart)


def _grouped(steps: Floats, mass: Floats) -> tuple[Ints, Floats, Floats]:
    """Steps by whole cells: each whole number, the mean remainder of the steps that have it, their mass."""
    whole = np.floor(steps).astype(np.int64)
    found, code = np.unique(whole, return_inverse=True)
    total = np.bincount(code, mass).astype(np.float64)
    rest = np.bincount(code, mass * (steps - whole)) / total
    return found, rest, total
