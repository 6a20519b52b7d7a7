"""EWMA chart: an exponentially weighted mean of all points so far."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.signal import lfilter
from scipy.special import ndtr

from overread.stats.arrays import Floats
from overread.stats.control.design import (
    Chart,
    ChartDesign,
    chart_design,
    check_shift,
    check_sides,
    first_of,
    quasi_stationary,
    run_lengths,
    solve_limit,
    standardised,
)

_ROOT = np.sqrt(2 * np.pi)


def ewma_arl(
    *,
    lam: float,
    limit: float,
    shift: float = 0.0,
    head_start: float = 0.0,
    state: str = "zero",
    limits: str = "fixed",
    sides: str = "two",
    barrier: float = 0.0,
) -> float:
    """Average run length of an EWMA chart of normal points.

    Crowder (J Qual Technol 1987;19:161) and Lucas and Saccucci (Technometrics 1990;32:1): integral equation,
    solved by Gauss-Legendre quadrature.

    Parameters
    ----------
    lam
        Weight of the newest point, above 0 and up to 1.
    limit
        In standard deviations of the weighted mean, whose variance is lam / (2 - lam) after many points.
    shift
        Of the mean, in standard deviations of a point.
    head_start
        Where the weighted mean starts, in standard deviations of a point.
    state
        ``zero``: the shift is there from the start. ``steady``: it comes after a long run in control without
        an alarm.
    limits
        ``fixed``, or ``exact``: wider from point to point, as the variance grows (zero state and two sides only).
    sides
        ``two``, or ``one`` (the upper). One-sided, the mean is held at ``barrier`` from below (in the unit of
        ``limit``; 0, or down to minus infinity), so that a run of low points does not delay the alarm.

    Raises ValueError for values outside these.
    """
    _check(lam, limit, limits, sides, barrier)
    check_shift(shift)
    if state not in ("zero", "steady") or (state == "steady" and limits == "exact"):
        raise ValueError(f"state is {state!r}, expected 'zero', or 'steady' with limits='fixed'")
    unit = np.sqrt(lam / (2 - lam))
    bound, floor = limit * unit, _floor(barrier * unit, sides, lam, shift)
    low = -bound if floor is None else floor
    if not low - (floor is not None) * 1e-12 < head_start < bound:
        raise ValueError(f"head_start is {head_start}, expected within the limits of {low:g} and {bound:g}")
    nodes, weights = _nodes(low, bound, lam)
    states = nodes if floor is None else np.append(floor, nodes)
    kernel = _kernel(states, nodes, weights, lam, shift, floor)
    lengths = run_lengths(kernel)
    if lengths.min() < 1 - 1e-9 or lengths.max() > 1e14:
        return float("inf")  # beyond what double precision can tell from never
    if state == "steady":
        return float(quasi_stationary(_kernel(states, nodes, weights, lam, 0.0, floor)) @ lengths)
    if limits == "exact":
        return _exact_arl(lam, limit, shift, head_start, nodes, weights, lengths)
    start = _kernel(np.array([head_start]), nodes, weights, lam, shift, floor)[0]
    return float(1 + start @ lengths)


def ewma_limit(
    *, lam: float, arl0: float, limits: str = "fixed", sides: str = "two", barrier: float = 0.0
) -> float:
    """The limit, in standard deviations of the weighted mean, that gives the run length ``arl0``."""
    return solve_limit(
        lambda limit: ewma_arl(lam=lam, limit=limit, limits=limits, sides=sides, barrier=barrier),
        arl0,
        0.1,
        3.0,
    )


def ewma_design(
    *,
    arl0: float = 370.0,
    shift: float = 1.0,
    lam: float | None = 0.1,
    cases_per_point: float = 1.0,
    cases_per_day: float | None = None,
    limits: str = "fixed",
    sides: str = "two",
    barrier: float = 0.0,
) -> ChartDesign:
    """Design for a wanted in-control run length.

    ``shift`` (standard deviations of a point) is what arl1 is stated for. ``lam`` None: the weight that
    makes arl1 least.
    """

    def run_length(weight: float, limit: float, moved: float) -> float:
        return ewma_arl(lam=weight, limit=limit, shift=moved, limits=limits, sides=sides, barrier=barrier)

    if lam is None:
        if shift == 0:
            raise ValueError("shift is 0: no weight is best for it; give lam")
        best = minimize_scalar(
            lambda weight: run_length(
                weight, ewma_limit(lam=weight, arl0=arl0, limits=limits, sides=sides, barrier=barrier), shift
            ),
            bounds=(0.02, 0.99),
            method="bounded",
            options={"xatol": 1e-3},
        )
        lam = float(best.x)
    limit = ewma_limit(lam=lam, arl0=arl0, limits=limits, sides=sides, barrier=barrier)
    return chart_design(
        "EWMA",
        {"lam": lam, "limit": limit} | ({"barrier": barrier} if sides == "one" else {}),
        arl0,
        run_length(lam, limit, 0.0),
        shift,
        run_length(lam, limit, shift),
        cases_per_point,
        cases_per_day,
    )


def ewma_chart(
    x: ArrayLike,
    *,
    lam: float = 0.1,
    limit: float = 2.814,
    mean: float | None = None,
    sd: float | None = None,
    baseline: int | None = None,
    limits: str = "fixed",
    sides: str = "two",
    barrier: float = 0.0,
) -> Chart:
    """Run the chart over observations (n,).

    In-control ``mean`` and ``sd`` are given or estimated from the first ``baseline`` observations; an
    estimate makes false alarms come sooner than designed. The statistic goes on after a signal.
    """
    _check(lam, limit, limits, sides, barrier)
    z, centre, spread = standardised(x, mean, sd, baseline)
    unit = np.sqrt(lam / (2 - lam))
    path = lfilter([lam], [1, lam - 1], z) if sides == "two" else _held(z, lam, barrier * unit)
    half = limit * unit * np.ones(len(z))
    if limits == "exact":
        half *= np.sqrt(1 - (1 - lam) ** (2 * np.arange(1, len(z) + 1)))
    signals = np.flatnonzero((np.abs(path) if sides == "two" else path) > half)
    return Chart(
        "EWMA",
        centre + spread * path,
        centre - spread * half if sides == "two" else np.full(len(z), -np.inf),
        centre + spread * half,
        signals,
        first_of(signals),
        centre,
        spread,
    )


def _check(lam: float, limit: float, limits: str, sides: str, barrier: float) -> None:
    if not 0 < lam <= 1:
        raise ValueError(f"lam is {lam}, expected above 0 and up to 1")
    if not limit > 0:
        raise ValueError(f"limit is {limit}, expected above 0")
    if limits not in ("fixed", "exact"):
        raise ValueError(f"limits is {limits!r}, expected 'fixed' or 'exact'")
    check_sides(sides)
    if sides == "one" and limits == "exact":
        raise ValueError("limits is 'exact', expected 'fixed' with sides='one'")
    if not barrier <= 0:
        raise ValueError(f"barrier is {barrier}, expected 0 or below")


def _floor(barrier: float, sides: str, lam: float, shift: float) -> float | None:
    """Where the mean is held from below; a barrier that is never reached is moved to where that is still so."""
    return None if sides == "two" else max(barrier, -10.0 + min(shift, 0.0))


def _held(z: Floats, lam: float, floor: float) -> Floats:
    path, mean = np.empty(len(z)), 0.0
    for i, value in enumerate(z):
        mean = max(floor, (1 - lam) * mean + lam * value)
        path[i] = mean
    return path


def _nodes(low: float, high: float, lam: float) -> tuple[Floats, Floats]:
    # The kernel is a normal density of width lam: so many nodes that several fall into that width.
    half = (high - low) / 2
    nodes, weights = np.polynomial.legendre.leggauss(max(50, min(1500, int(np.ceil(8 * half / lam)))))
    return low + half * (nodes + 1), half * weights


def _kernel(
    start: Floats, nodes: Floats, weights: Floats, lam: float, shift: float, floor: float | None
) -> Floats:
    """Chances to go from each ``start`` to the floor, where there is one, and to each node without a signal."""
    inside: Floats = _density(nodes[None], start[:, None], lam, shift) * weights
    if floor is None:
        return inside
    return np.column_stack([ndtr((floor - (1 - lam) * start) / lam - shift), inside])


def _density(to: Floats, start: Floats, lam: float, shift: float) -> Floats:
    z = (to - (1 - lam) * start) / lam - shift
    density: Floats = np.exp(-0.5 * z * z) / (_ROOT * lam)
    return density


def _exact_arl(
    lam: float, limit: float, shift: float, start: float, nodes: Floats, weights: Floats, lengths: Floats
) -> float:
    """Chances of having no alarm, point by point, until the limits have settled; then the fixed chart's."""
    settled = max(2, int(np.ceil(np.log(1e-12) / (2 * np.log1p(-lam))))) if lam < 1 else 2
    bound = limit * np.sqrt(lam / (2 - lam))
    steps = np.sqrt(1 - (1 - lam) ** (2 * np.arange(1, settled + 1)))
    half = steps[0] * bound
    middle = (1 - lam) * start + lam * shift
    total = 1.0 + float(ndtr((half - middle) / lam) - ndtr((-half - middle) / lam))
    place = steps[0] * nodes
    mass = _density(place, np.array(start), lam, shift) * weights * steps[0]
    for step in steps[1:-1]:
        following = step * nodes
        mass = (mass @ _density(following[None], place[:, None], lam, shift)) * weights * step
        place = following
        total += float(mass.sum())
    # From here the limits are fixed: what remains of every path is the fixed chart's run length.
    rest = 1 + (_density(nodes[None], place[:, None], lam, shift) * weights) @ lengths
    return float(total - mass.sum() + mass @ rest)
