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
    first_of,
    quasi_stationary,
    scale,
    solve_limit,
    timed,
)

_ROOT = np.sqrt(2 * np.pi)


def ewma_arl(
    lam: float,
    limit: float,
    shift: float = 0.0,
    head_start: float = 0.0,
    state: str = "zero",
    limits: str = "fixed",
) -> float:
    """Average run length of a two-sided EWMA chart of normal points.

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
        ``fixed``, or ``exact``: wider from point to point, as the variance grows (zero state only).

    Raises ValueError for values outside these.
    """
    _check(lam, limit, limits)
    if state not in ("zero", "steady") or (state == "steady" and limits == "exact"):
        raise ValueError(f"state is {state!r}, expected 'zero', or 'steady' with limits='fixed'")
    bound = limit * np.sqrt(lam / (2 - lam))
    if abs(head_start) >= bound:
        raise ValueError(f"head_start is {head_start}, expected within the limits of {bound:g}")
    nodes, weights = _nodes(bound, lam)
    kernel = _density(nodes[None], nodes[:, None], lam, shift) * weights
    lengths: Floats = np.linalg.solve(np.eye(len(nodes)) - kernel, np.ones(len(nodes))).astype(np.float64)
    if state == "steady":
        return float(quasi_stationary(_density(nodes[None], nodes[:, None], lam, 0.0) * weights) @ lengths)
    if limits == "exact":
        return _exact_arl(lam, limit, shift, head_start, nodes, weights, lengths)
    start = _density(nodes, np.array(head_start), lam, shift) * weights
    return float(1 + start @ lengths)


def ewma_limit(lam: float, arl0: float, limits: str = "fixed") -> float:
    """The limit, in standard deviations of the weighted mean, that gives the run length ``arl0``."""
    return solve_limit(lambda limit: ewma_arl(lam, limit, limits=limits), arl0, 0.1, 3.0)


def ewma_design(
    arl0: float = 370.0,
    shift: float = 1.0,
    lam: float | None = 0.1,
    cases_per_point: float = 1.0,
    cases_per_day: float | None = None,
    limits: str = "fixed",
) -> ChartDesign:
    """Design for a wanted in-control run length.

    ``shift`` (standard deviations of a point) is what arl1 is stated for. ``lam`` None: the weight that
    makes arl1 least.
    """
    if lam is None:
        if shift == 0:
            raise ValueError("shift is 0: no weight is best for it; give lam")
        best = minimize_scalar(
            lambda weight: ewma_arl(weight, ewma_limit(weight, arl0, limits), shift, limits=limits),
            bounds=(0.02, 0.99),
            method="bounded",
            options={"xatol": 1e-3},
        )
        lam = float(best.x)
    limit = ewma_limit(lam, arl0, limits)
    return timed(
        "EWMA",
        {"lam": lam, "limit": limit},
        arl0,
        ewma_arl(lam, limit, 0.0, limits=limits),
        shift,
        ewma_arl(lam, limit, shift, limits=limits),
        cases_per_point,
        cases_per_day,
    )


def ewma_chart(
    x: ArrayLike,
    lam: float = 0.1,
    limit: float = 2.814,
    mean: float | None = None,
    sd: float | None = None,
    baseline: int | None = None,
    limits: str = "fixed",
) -> Chart:
    """Run the chart over observations (n,).

    In-control ``mean`` and ``sd`` are given or estimated from the first ``baseline`` observations; an
    estimate makes false alarms come sooner than designed. The statistic goes on after a signal.
    """
    _check(lam, limit, limits)
    z, centre, spread = scale(x, mean, sd, baseline)
    path = lfilter([lam], [1, lam - 1], z)
    half = limit * np.sqrt(lam / (2 - lam)) * np.ones(len(z))
    if limits == "exact":
        half *= np.sqrt(1 - (1 - lam) ** (2 * np.arange(1, len(z) + 1)))
    signals = np.flatnonzero(np.abs(path) > half)
    return Chart(
        "EWMA",
        centre + spread * path,
        centre - spread * half,
        centre + spread * half,
        signals,
        first_of(signals),
        centre,
        spread,
    )


def _check(lam: float, limit: float, limits: str) -> None:
    if not 0 < lam <= 1:
        raise ValueError(f"lam is {lam}, expected above 0 and up to 1")
    if not limit > 0:
        raise ValueError(f"limit is {limit}, expected above 0")
    if limits not in ("fixed", "exact"):
        raise ValueError(f"limits is {limits!r}, expected 'fixed' or 'exact'")


def _nodes(bound: float, lam: float) -> tuple[Floats, Floats]:
    # The kernel is a normal density of width lam: so many nodes that several fall into that width.
    nodes, weights = np.polynomial.legendre.leggauss(max(50, min(1500, int(np.ceil(8 * bound / lam)))))
    return bound * nodes, bound * weights


def _density(to: Floats, start: Floats, lam: float, shift: float) -> Floats:
    z = (to - (1 - lam) * start) / lam - shift
    density: Floats = np.exp(-0.5 * z * z) / (_ROOT * lam)
    return density


def _exact_arl(
    lam: float, limit: float, shift: float, start: float, nodes: Floats, weights: Floats, lengths: Floats
) -> float:
    """Chances of having no alarm, point by point, until the limits have settled; then the fixed chart's."""
    settled = max(2, int(np.ceil(np.log(1e-12) / (2 * np.log1p(-lam))))) if lam < 1 else 2
    bound = nodes[-1] / np.polynomial.legendre.leggauss(len(nodes))[0][-1]
    steps = np.sqrt(1 - (1 - lam) ** (2 * np.arange(1, settled + 1)))
    half = steps[0] * bound
    middle = (1 - lam) * start + lam * shift
    if abs(start) >= bound:
        raise ValueError("head_start lies outside the limits")
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
