"""CUSUM chart of normal points: sums of what exceeds the in-control mean by more than k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from overread.stats.arrays import Floats, Ints
from overread.stats.control.design import (
    ChartDesign,
    chart_design,
    check_interval,
    check_shift,
    check_sides,
    first_of,
    quasi_stationary,
    run_lengths,
    solve_limit,
    standardised,
)

_ROOT = np.sqrt(2 * np.pi)
_GRIDS = (21, 31)  # cells of each side in the two-sided steady state


@dataclass(frozen=True)
class CusumChart:
    """A CUSUM run over data.

    ``upper`` (n,) rises with a mean that is too high, ``lower`` (n,) with one too low (both from 0 up);
    a value above ``h`` signals. ``signals`` are all such indices, ``first_signal`` the first, or None, and
    ``change_start`` the index from which the sum that signalled first had grown: an estimate of when the
    change began. ``mean`` and ``sd`` are the in-control values that were used.
    """

    upper: Floats
    lower: Floats
    h: float
    signals: Ints
    first_signal: int | None
    change_start: int | None
    mean: float
    sd: float


def cusum_arl(
    *,
    k: float,
    h: float,
    shift: float = 0.0,
    sides: str = "two",
    head_start: float = 0.0,
    state: str = "zero",
) -> float:
    """Average run length of a CUSUM chart of normal points with standard deviation 1.

    One side: integral equation of Page (Biometrika 1954;41:100), solved by Gauss-Legendre quadrature (Vance,
    J Qual Technol 1986;18:189). Two sides: combined from both (Lucas and Crosier, Technometrics
    1982;24:199), which is exact for head starts that cannot both be standing when either signals.

    Parameters
    ----------
    k, h
        Reference value and decision interval in standard deviations; signal where the sum exceeds h.
    shift
        Of the mean in standard deviations.
    sides
        ``two``, or ``one`` (the upper).
    head_start
        Where the sums start; h / 2 is the fast initial response of Lucas and Crosier.
    state
        ``zero``: the shift is there from the start. ``steady``: it comes after a long run in control without
        an alarm; for two sides by a Markov chain on two grids, extrapolated to cells of no width (Crosier,
        Technometrics 1986;28:187).

    Raises ValueError for values outside these.
    """
    check_sides(sides)
    _check_reference(k)
    check_interval(h, head_start)
    check_shift(shift)
    if state not in ("zero", "steady"):
        raise ValueError(f"state is {state!r}, expected 'zero' or 'steady'")
    if state == "steady":
        return _one_side_steady(k, h, shift) if sides == "one" else _two_sides_steady(k, h, shift)
    up, up_started = _one_side(k, h, shift, head_start)
    if sides == "one":
        return up_started
    down, down_started = _one_side(k, h, -shift, head_start)
    if not np.isfinite(down):
        return up_started
    return float((up_started * down + up * down_started - up * down) / (up + down))


def cusum_h(*, k: float, arl0: float, sides: str = "two", head_start_share: float = 0.0) -> float:
    """The decision interval h that gives the in-control run length ``arl0``.

    ``head_start_share``: the head start as a share of h (0.5: fast initial response).
    """
    check_sides(sides)
    if not 0 <= head_start_share < 1:
        raise ValueError(f"head_start_share is {head_start_share}, expected from 0 to below 1")
    return solve_limit(
        lambda h: cusum_arl(k=k, h=h, shift=0.0, sides=sides, head_start=head_start_share * h),
        arl0,
        1e-3,
        5.0,
    )


def cusum_design(
    *,
    arl0: float = 370.0,
    shift: float = 1.0,
    k: float | None = None,
    sides: str = "two",
    head_start_share: float = 0.0,
    cases_per_point: float = 1.0,
    cases_per_day: float | None = None,
) -> ChartDesign:
    """Design for a wanted in-control run length.

    ``shift`` (standard deviations of a point) is the one to find soon: ``k`` is half of it unless given,
    which makes arl1 least. A point may sum up several cases (``cases_per_point``).
    """
    if k is None:
        if shift == 0:
            raise ValueError("shift is 0: give k, or the shift that the chart shall find")
        k = abs(shift) / 2
    h = cusum_h(k=k, arl0=arl0, sides=sides, head_start_share=head_start_share)
    start = head_start_share * h
    return chart_design(
        "CUSUM",
        {"k": k, "h": h, "head_start": start},
        arl0,
        cusum_arl(k=k, h=h, shift=0.0, sides=sides, head_start=start),
        shift,
        cusum_arl(k=k, h=h, shift=shift, sides=sides, head_start=start),
        cases_per_point,
        cases_per_day,
    )


def cusum_chart(
    x: ArrayLike,
    *,
    k: float = 0.5,
    h: float = 4.774,
    mean: float | None = None,
    sd: float | None = None,
    baseline: int | None = None,
    sides: str = "two",
    head_start: float = 0.0,
    restart: bool = False,
) -> CusumChart:
    """Run the chart over observations (n,).

    Parameters
    ----------
    k, h, head_start
        In standard deviations, such as those of ``cusum_design``.
    mean, sd, baseline
        In-control values are given or estimated from the first ``baseline`` observations; an estimate makes
        false alarms come sooner than designed.
    restart
        Start again at 0 after every signal; else the sums go on.
    """
    check_sides(sides)
    _check_reference(k)
    check_interval(h, head_start)
    z, centre, spread = standardised(x, mean, sd, baseline)
    paths = np.zeros((2, len(z)))
    sums = [head_start, head_start]
    for i, value in enumerate(z):
        for side, sign in enumerate((1, -1)):
            sums[side] = max(0.0, sums[side] + sign * value - k)
            paths[side, i] = sums[side]
        watched = sums if sides == "two" else sums[:1]
        if restart and max(watched) > h:
            sums = [0.0, 0.0]
    if sides == "one":
        paths[1] = 0.0
    over = paths > h
    signals = np.flatnonzero(over.any(axis=0))
    first = first_of(signals)
    start = None
    if first is not None:
        path = paths[0] if over[0, first] else paths[1]
        zeros = np.flatnonzero(path[: first + 1] == 0)
        start = int(zeros[-1]) + 1 if len(zeros) else 0
    return CusumChart(paths[0], paths[1], float(h), signals, first, start, centre, spread)


def _check_reference(k: float) -> None:
    if not k >= 0:
        raise ValueError(f"k is {k}, expected 0 or more")


def _kernel(k: float, h: float, shift: float) -> tuple[Floats, Floats]:
    """States (0 and the quadrature nodes) and the chances to go from one to another without a signal."""
    nodes, weights = np.polynomial.legendre.leggauss(max(48, min(1000, int(np.ceil(6 * h)))))
    nodes, weights = h / 2 * (nodes + 1), h / 2 * weights
    states = np.concatenate([[0.0], nodes])
    z = nodes[None] - states[:, None] + k - shift
    return states, np.column_stack([ndtr(k - shift - states), weights * np.exp(-0.5 * z * z) / _ROOT])


def _one_side(k: float, h: float, shift: float, start: float) -> tuple[float, float]:
    """Run length from 0 and from ``start``."""
    states, kernel = _kernel(k, h, shift)
    lengths = run_lengths(kernel)
    if lengths[0] < 1 or lengths[0] > 1e14:
        return float("inf"), float("inf")  # beyond what double precision can tell from never
    if start == 0:
        return float(lengths[0]), float(lengths[0])
    nodes, weights = states[1:], np.polynomial.legendre.leggauss(len(states) - 1)[1] * h / 2
    z = nodes - start + k - shift
    length = 1 + ndtr(k - shift - start) * lengths[0] + (weights * np.exp(-0.5 * z * z) / _ROOT) @ lengths[1:]
    return float(lengths[0]), float(length)


def _one_side_steady(k: float, h: float, shift: float) -> float:
    before, kernel = quasi_stationary(_kernel(k, h, 0.0)[1]), _kernel(k, h, shift)[1]
    return float(before @ run_lengths(kernel))


def _two_sides_steady(k: float, h: float, shift: float) -> float:
    found = []
    for cells in _GRIDS:
        before = quasi_stationary(_grid_kernel(k, h, 0.0, cells))
        kernel = _grid_kernel(k, h, shift, cells)
        found.append(float(before @ run_lengths(kernel)))
    # The error falls with the square of the cell's width (Richardson).
    coarse, fine = ((cells - 0.5) ** 2 for cells in _GRIDS)
    return (fine * found[1] - coarse * found[0]) / (fine - coarse)


def _grid_kernel(k: float, h: float, shift: float, count: int) -> Floats:
    """Both sums in cells of width w around 0, w, 2w, ... (Brook and Evans, Biometrika 1972;59:539)."""
    cells = np.arange(count)
    w = h / (count - 0.5)
    step = (cells[None] - cells[:, None]) * w
    top = step + 0.5 * w + k
    bottom = np.where(cells[None] == 0, -np.inf, step - 0.5 * w + k)
    # The upper sum needs the point between bottom and top; the lower sum, mirrored, between -top and -bottom.
    high = np.minimum(top[:, None, :, None], -bottom[None, :, None, :])
    low = np.maximum(bottom[:, None, :, None], -top[None, :, None, :])
    chance = np.where(high > low, ndtr(high - shift) - ndtr(low - shift), 0.0)
    result: Floats = chance.reshape(count**2, count**2)
    return result
