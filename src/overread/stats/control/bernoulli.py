"""Bernoulli CUSUM: a rate of events (missed cancers, wrong calls) watched case by case."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.linalg import spsolve

from overread.stats.arrays import Floats, Ints, as_binary
from overread.stats.control.design import ChartDesign, chart_design, check_interval, first_of

LARGEST = 400_000  # states of the chain


@dataclass(frozen=True)
class EventChart:
    """A CUSUM of events run over cases.

    ``statistic`` (n,) signals where it reaches ``h``. ``signals`` are all such indices, ``first_signal`` the
    first, or None, and ``change_start`` the index from which the sum had grown until then.
    """

    statistic: Floats
    h: float
    signals: Ints
    first_signal: int | None
    change_start: int | None


@dataclass(frozen=True)
class _Lattice:
    """Whole steps: an event up by ``up``, any other case down by ``down``, each step ``unit`` of the log ratio."""

    up: int
    down: int
    unit: float


def bernoulli_cusum_weights(*, p0: float, p1: float) -> tuple[float, float]:
    """Log likelihood ratios of an event, log(p1 / p0), and of a case without, log((1 - p1) / (1 - p0))."""
    _check(p0, p1)
    return float(np.log(p1 / p0)), float(np.log1p(-p1) - np.log1p(-p0))


def bernoulli_cusum_arl(
    *, p0: float, p1: float, h: float, p: float | None = None, head_start: float = 0.0
) -> float:
    """Average number of cases until the CUSUM of log likelihood ratios reaches ``h``.

    Reynolds and Stoumbos (J Qual Technol 1999;31:87). The two weights are made whole multiples of a common
    unit (their ratio kept to 1 in 10,000), on which the run length is that of a Markov chain, solved exactly.

    Parameters
    ----------
    p0, p1
        Event rate in control and out of it; p1 above p0 finds a rise, p1 below p0 a fall.
    p
        The true rate; p0 unless given (then the result is ARL0).
    head_start
        Where the sum starts, from 0 to below h.

    Raises ValueError for rates outside 0 to 1 or equal ones.
    """
    lattice, chance = _lattice(p0, p1), _rate(p0, p1, p0 if p is None else p)
    check_interval(h, head_start)
    return _arl(lattice, _states(lattice, h), chance, int(np.floor(head_start / lattice.unit + 1e-9)))


def bernoulli_cusum_h(*, p0: float, p1: float, arl0: float) -> float:
    """The decision interval whose in-control run length comes nearest to ``arl0`` cases.

    Run lengths rise in steps (of 1 to 4 per cent, more where arl0 is short); h lies in the middle of one,
    away from any value that the sum can take.
    """
    lattice = _lattice(p0, p1)
    chance = _rate(p0, p1, p0)
    if not arl0 >= 1:
        raise ValueError(f"arl0 is {arl0}, expected 1 case or more")
    low, high = 0, lattice.up
    while _arl(lattice, high, chance) < arl0:
        low, high = high, 2 * high
        if high > LARGEST:
            raise ValueError(f"arl0 of {arl0:g} needs more than {LARGEST} states; choose p1 further from p0")
    while high - low > 1:
        middle = (low + high) // 2
        if _arl(lattice, middle, chance) < arl0:
            low = middle
        else:
            high = middle
    below = _arl(lattice, low, chance) if low else 1.0
    states = low if low and arl0 / below < _arl(lattice, high, chance) / arl0 else high
    return (states - 0.5) * lattice.unit


def bernoulli_cusum_design(
    *, p0: float, p1: float, arl0: float, cases_per_day: float | None = None, head_start_share: float = 0.0
) -> ChartDesign:
    """Design for a wanted in-control run length in cases; arl1 is stated for the rate ``p1``.

    For a sensitivity that may fall from .90 to .80, events are misses: p0 = .10, p1 = .20, and the cases are
    the diseased ones. ``head_start_share`` starts the sum at that share of h (which then shortens arl0).
    """
    h = bernoulli_cusum_h(p0=p0, p1=p1, arl0=arl0)
    start = head_start_share * h
    return chart_design(
        "Bernoulli CUSUM",
        {"p0": p0, "p1": p1, "h": h, "head_start": start},
        arl0,
        bernoulli_cusum_arl(p0=p0, p1=p1, h=h, p=p0, head_start=start),
        p1 - p0,
        bernoulli_cusum_arl(p0=p0, p1=p1, h=h, p=p1, head_start=start),
        1.0,
        cases_per_day,
    )


def bernoulli_cusum_chart(
    event: ArrayLike, *, p0: float, p1: float, h: float, head_start: float = 0.0, restart: bool = False
) -> EventChart:
    """Run the chart over cases in order of time; ``event`` (n,) is 1 where the event occurred.

    ``restart``: start again at 0 after every signal; else the sum goes on.
    """
    hit = as_binary(event, "event", both=False)
    lattice = _lattice(p0, p1)
    counted = hit if p1 > p0 else ~hit
    steps = np.where(counted, lattice.up, -lattice.down) * lattice.unit
    return run_events(steps, h, head_start=head_start, restart=restart)


def run_events(steps: Floats, h: float, *, head_start: float = 0.0, restart: bool = False) -> EventChart:
    """The CUSUM of ``steps`` (n,), held at 0 from below, against ``h``."""
    check_interval(h, head_start)
    path = np.empty(len(steps))
    total = head_start
    for i, step in enumerate(steps):
        # Rounding must not decide whether a sum of whole units has come back to 0.
        total = max(0.0, total + step)
        total = 0.0 if total < 1e-12 else total
        path[i] = total
        if restart and total >= h:
            total = 0.0
    signals = np.flatnonzero(path >= h)
    first = first_of(signals)
    start = None
    if first is not None:
        zeros = np.flatnonzero(path[: first + 1] == 0)
        start = int(zeros[-1]) + 1 if len(zeros) else 0
    return EventChart(path, float(h), signals, first, start)


def _check(p0: float, p1: float) -> None:
    if not (0 < p0 < 1 and 0 < p1 < 1) or p0 == p1:
        raise ValueError(f"p0 = {p0} and p1 = {p1}, expected two different rates between 0 and 1")


def _rate(p0: float, p1: float, p: float) -> float:
    """Chance of the step upwards: of the event where a rise is looked for, else of its absence."""
    if not 0 <= p <= 1:
        raise ValueError(f"p is {p}, expected a rate from 0 to 1")
    return p if p1 > p0 else 1 - p


def _lattice(p0: float, p1: float) -> _Lattice:
    event, other = bernoulli_cusum_weights(p0=p0, p1=p1)
    up, down = (event, -other) if p1 > p0 else (other, -event)
    ratio, denominator = down / up, 1
    while True:
        share = Fraction(ratio).limit_denominator(denominator)
        if share > 0 and abs(float(share) / ratio - 1) < 1e-4:
            return _Lattice(share.denominator, share.numerator, up / share.denominator)
        denominator *= 2


def _states(lattice: _Lattice, h: float) -> int:
    states = int(np.ceil(h / lattice.unit - 1e-9))
    if states > LARGEST:
        raise ValueError(f"h = {h} needs {states} states, more than {LARGEST}; choose p1 further from p0")
    return states


def _arl(lattice: _Lattice, states: int, chance: float, start: int = 0) -> float:
    """Expected steps from ``start`` until the sum of whole units reaches ``states``."""
    if chance == 0:
        return float("inf")
    place = np.arange(states)
    risen = place[: max(0, states - lattice.up)]
    rows = np.concatenate([risen, place])
    columns = np.concatenate([risen + lattice.up, np.maximum(place - lattice.down, 0)])
    values = np.concatenate([np.full(len(risen), chance), np.full(states, 1 - chance)])
    chain = sparse.csc_array((values, (rows, columns)), shape=(states, states))
    lengths = np.atleast_1d(spsolve(sparse.eye_array(states, format="csc") - chain, np.ones(states)))
    return float(lengths[start])
