"""Group-sequential designs: bounds for interim looks by alpha spending or by classical shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from overread.stats.arrays import Floats
from overread.stats.power.recursion import Walk, crossing
from overread.stats.power.result import check_choice, check_open, check_positive, whole, z_power

Design = Literal[
    "obrien-fleming",
    "pocock",
    "wang-tsiatis",
    "haybittle-peto",
    "lan-demets-obrien-fleming",
    "lan-demets-pocock",
    "power-family",
    "hwang-shih-decani",
    "user",
]
_CLASSICAL = ("obrien-fleming", "pocock", "wang-tsiatis", "haybittle-peto")
_SPENDING = ("lan-demets-obrien-fleming", "lan-demets-pocock", "power-family", "hwang-shih-decani", "user")


@dataclass(frozen=True)
class GroupSequentialDesign:
    """Bounds on the z scale at each look, and what they cost.

    Reject the null hypothesis at look k where z >= ``efficacy[k]`` (|z| where ``sided`` is 2); stop for
    futility where z <= ``futility[k]`` (-inf where there is none). ``alpha_spent`` and ``power_reached`` are
    cumulative, ``nominal`` the one-sided level of each bound; power is the chance of crossing the bound on the side of
    the effect. ``inflation`` is the largest sample size over that of a design with one look; ``expected_h1``,
    ``expected_h0`` and ``expected_half`` are the expected sample sizes over it where the effect is the planned one,
    zero and half of it. ``drift`` is the expected z of the last look under the planned effect.
    """

    information: tuple[float, ...]
    efficacy: tuple[float, ...]
    futility: tuple[float, ...]
    nominal: tuple[float, ...]
    alpha_spent: tuple[float, ...]
    beta_spent: tuple[float, ...]
    power_reached: tuple[float, ...]
    drift: float
    inflation: float
    expected_h1: float
    expected_half: float
    expected_h0: float
    alpha: float
    sided: int
    power: float
    method: str

    def sizes(self, fixed_n: float, *, round_up: bool = True) -> tuple[float, ...]:
        """Cumulative cases at each look, from the size ``fixed_n`` of the design with one look."""
        check_positive("fixed_n", fixed_n)
        return tuple(whole(fixed_n * self.inflation * t, round_up=round_up) for t in self.information)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def group_sequential(
    *,
    looks: int | None = None,
    information: Sequence[float] | None = None,
    design: Design = "obrien-fleming",
    alpha: float = 0.025,
    sided: Literal[1, 2] = 1,
    power: float = 0.8,
    parameter: float | None = None,
    alpha_spending: Sequence[float] | None = None,
    futility: Sequence[float] | None = None,
    beta_design: Design | None = None,
    beta_parameter: float | None = None,
    beta_spending: Sequence[float] | None = None,
    binding: bool = False,
) -> GroupSequentialDesign:
    """Bounds of a group-sequential test by recursive numerical integration (Armitage et al., J R Stat Soc A
    1969;132:235; Jennison and Turnbull, Group Sequential Methods, 2000, chapter 19).

    Parameters
    ----------
    looks, information
        Number of equally spaced looks, or the information fractions, rising (to 1, or below it where the
        trial spends only what is due by then).
    design
        ``obrien-fleming``, ``pocock``, ``wang-tsiatis`` (shape ``parameter``: 0 is the first, .5 the second),
        ``haybittle-peto`` (``parameter`` 3 until the last look); or alpha spending:
        ``lan-demets-obrien-fleming``, ``lan-demets-pocock`` (Lan and DeMets, Biometrika 1983;70:659),
        ``power-family`` (alpha t^parameter, Kim and DeMets 1987), ``hwang-shih-decani`` (``parameter`` is
        gamma) or ``user`` (cumulative ``alpha_spending``, the last being ``alpha``).
    alpha, sided
        Total error: with ``sided`` 2 half of it on each side.
    futility
        z bounds of all looks but the last; or beta spending by ``beta_design`` (as above) or, for ``user``,
        cumulative ``beta_spending``. ``binding``: the efficacy bounds count on stopping for futility; if not
        (the default), they hold whether the trial stops or not. One-sided designs only.

    Raises ValueError for fractions that do not rise, unknown names and parameters that are missing.
    """
    t = _information(looks, information)
    check_open("alpha", alpha, low=0, high=0.5 * sided)
    check_choice("design", design, _CLASSICAL + _SPENDING)
    if sided not in (1, 2):
        raise ValueError(f"sided is {sided}, expected 1 or 2")
    z_power(power)
    beta = 1 - power
    with_beta = beta_design is not None or beta_spending is not None
    if (futility is not None or with_beta) and sided == 2:
        raise ValueError("futility bounds need sided=1")
    if futility is not None and with_beta:
        raise ValueError("give futility bounds or beta spending, not both")
    if beta_spending is not None and beta_design not in (None, "user"):
        raise ValueError("beta_spending belongs to beta_design='user'")
    lower = _futility_bounds(futility, len(t))
    spent = _spending(design, t, alpha, sided, parameter, alpha_spending)
    shape = _shape(design, t, parameter) if spent is None else None
    betas: Floats | None = None
    if with_beta:
        if not np.isclose(t[-1], 1):
            raise ValueError("beta spending needs information up to 1")
        betas = _spending(beta_design or "user", t, beta, 1, beta_parameter, beta_spending)
        if betas is None:
            raise ValueError(f"beta_design is {beta_design!r}, expected a spending function")

    def efficacy(low: Floats) -> Floats:
        under = low if binding else np.full(len(t), -np.inf)
        if spent is not None:
            return _by_spending(t, spent / sided, under, sided)
        return _by_shape(t, shape if shape is not None else t, design, alpha, under, sided, parameter)

    if betas is not None:
        upper, lower, drift = _with_beta(t, betas, spent, sided, binding, efficacy)
    else:
        upper = efficacy(lower)
        if (lower >= upper).any():
            raise ValueError("a futility bound is not below the efficacy bound of its look")
        drift = _drift(t, upper, lower, sided, power)
    return _described(t, upper, lower, drift, alpha, sided, power, design, betas, binding)


def spending_function(
    *, design: Design, t: float, alpha: float, parameter: float | None = None, sided: int = 1
) -> float:
    """Alpha (or beta) that a spending function has spent by information fraction ``t``."""
    check_choice("design", design, _SPENDING[:-1])
    found = _spending(design, np.array([t]), alpha, sided, parameter, None)
    return float(found[0]) if found is not None else 0.0


def _information(looks: int | None, information: Sequence[float] | None) -> Floats:
    if (looks is None) == (information is None):
        raise ValueError("give exactly one of looks and information")
    if looks is not None:
        if int(looks) != looks or not 1 <= looks <= 50:
            raise ValueError(f"looks is {looks}, expected a whole number from 1 to 50")
        return np.arange(1, int(looks) + 1) / looks
    t = np.asarray(information, dtype=np.float64)
    if t.ndim != 1 or len(t) == 0 or not np.isfinite(t).all():
        raise ValueError("information must be a list of fractions")
    if t[0] <= 0 or t[-1] > 1 + 1e-12 or (np.diff(t) <= 0).any():
        raise ValueError(f"information is {list(t)}, expected rising fractions above 0 and up to 1")
    return t


def _futility_bounds(futility: Sequence[float] | None, looks: int) -> Floats:
    bounds = np.full(looks, -np.inf)
    if futility is not None:
        given = np.asarray(futility, dtype=np.float64)
        if given.shape != (looks - 1,) or np.isnan(given).any():
            raise ValueError(
                f"futility holds {given.size} bounds, expected {looks - 1}: all looks but the last"
            )
        bounds[:-1] = given
    return bounds


def _spending(
    design: str,
    t: Floats,
    alpha: float,
    sided: int,
    parameter: float | None,
    user: Sequence[float] | None,
) -> Floats | None:
    """Cumulative error spent over all sides, or None for a classical shape."""
    if design in _CLASSICAL:
        return None
    if design == "user":
        if user is None or len(user) != len(t):
            raise ValueError(f"design 'user' needs cumulative spending at each of {len(t)} looks")
        spent = np.asarray(user, dtype=np.float64)
        if spent[0] < 0 or (np.diff(spent) < 0).any() or spent[-1] > alpha + 1e-9:
            raise ValueError(f"spending is {list(spent)}, expected rising values from 0 to {alpha:g}")
        return spent
    t = np.minimum(t, 1.0)
    if design == "lan-demets-obrien-fleming":
        crossed: Floats = 2 * sided * ndtr(-ndtri(1 - alpha / (2 * sided)) / np.sqrt(t))
        return crossed
    if design == "lan-demets-pocock":
        return alpha * np.log1p((np.e - 1) * t)
    if parameter is None:
        raise ValueError(f"design {design!r} needs its parameter")
    if design == "power-family":
        check_positive("parameter", parameter)
        return alpha * t**parameter
    return alpha * (t if parameter == 0 else np.expm1(-parameter * t) / np.expm1(-parameter))


def _shape(design: str, t: Floats, parameter: float | None) -> Floats:
    """Bounds of a classical design but for one constant factor (Haybittle-Peto: all but the last)."""
    if design == "haybittle-peto":
        return np.full(len(t), 3.0 if parameter is None else parameter)
    if design == "wang-tsiatis" and parameter is None:
        raise ValueError("design 'wang-tsiatis' needs its parameter, such as 0.25")
    delta = {"obrien-fleming": 0.0, "pocock": 0.5}.get(design, parameter)
    bounds: Floats = (t / t[-1]) ** (float(delta or 0.0) - 0.5)
    return bounds


def _by_shape(
    t: Floats,
    shape: Floats,
    design: str,
    alpha: float,
    lower: Floats,
    sided: int,
    parameter: float | None,
) -> Floats:
    def bounds(constant: float) -> Floats:
        if design == "haybittle-peto":
            return np.append(shape[:-1], constant)
        return constant * shape

    def excess(constant: float) -> float:
        up = bounds(constant)
        return sided * float(crossing(t, up, _low(lower, up, sided), 0.0)[0].sum()) - alpha

    try:
        constant = float(brentq(excess, 0.05, 12, xtol=1e-11))
    except ValueError:
        raise ValueError(f"no {design} bounds exist with alpha {alpha:g} and these looks") from None
    return bounds(constant)


def _by_spending(t: Floats, spent: Floats, lower: Floats, sided: int) -> Floats:
    """Upper bounds that spend ``spent`` (cumulative, one side) under the null hypothesis."""
    walk, upper, before = Walk(0.0), np.empty(len(t)), 0.0
    for k, goal in enumerate(spent):
        upper[k] = walk.upper_bound(t[k], goal - before)
        walk.step(t[k], -upper[k] if sided == 2 else lower[k], upper[k])
        before = goal
    return upper


def _with_beta(
    t: Floats,
    betas: Floats,
    spent: Floats | None,
    sided: int,
    binding: bool,
    efficacy: Callable[[Floats], Floats],
) -> tuple[Floats, Floats, float]:
    """Efficacy and futility bounds that spend both errors and meet at the last look."""
    none = np.full(len(t), -np.inf)
    if binding and spent is None:
        raise ValueError("binding beta spending needs an alpha spending design")

    def bounds(drift: float) -> tuple[Floats, Floats, float]:
        upper = none.copy() if binding else efficacy(none)
        lower, before, alpha_before = none.copy(), 0.0, 0.0
        null, alternative = Walk(0.0), Walk(drift)
        for k, goal in enumerate(betas):
            if binding and spent is not None:
                upper[k] = null.upper_bound(t[k], spent[k] - alpha_before)
                alpha_before = spent[k]
            if k == len(t) - 1:
                return upper, lower, alternative.below(t[k], upper[k]) - (goal - before)
            lower[k] = min(alternative.lower_bound(t[k], goal - before), upper[k])
            alternative.step(t[k], lower[k], upper[k])
            null.step(t[k], lower[k], upper[k])
            before = goal
        raise AssertionError  # the loop returns at the last look

    drift = float(brentq(lambda d: bounds(d)[2], 0.05, 12, xtol=1e-10))
    upper, lower, _ = bounds(drift)
    return upper, lower, drift


def _drift(t: Floats, upper: Floats, lower: Floats, sided: int, power: float) -> float:
    def short(drift: float) -> float:
        # Rejecting on the wrong side of a two-sided test is no power (Jennison and Turnbull 2000, section 2.2).
        return float(crossing(t, upper, _low(lower, upper, sided), drift)[0].sum()) - power

    try:
        return float(brentq(short, 1e-6, 40, xtol=1e-11))
    except ValueError:
        raise ValueError(f"no effect gives power {power:g}: futility stops the trial too often") from None


def _low(lower: Floats, upper: Floats, sided: int) -> Floats:
    return -upper if sided == 2 else lower


def _described(
    t: Floats,
    upper: Floats,
    lower: Floats,
    drift: float,
    alpha: float,
    sided: int,
    power: float,
    design: str,
    betas: Floats | None,
    binding: bool,
) -> GroupSequentialDesign:
    none = np.full(len(t), -np.inf)
    fixed = float((ndtri(1 - alpha / sided) + ndtri(power)) ** 2)
    # The drift refers to information 1, the last look may come before it.
    inflation = drift**2 / fixed
    low = _low(lower, upper, sided)

    def expected(effect: float) -> float:
        up, down = crossing(t, upper, low, effect)
        stop = up + down
        stop[-1] = 1 - stop[:-1].sum()
        return float(inflation * (stop @ t))

    up = crossing(t, upper, low, drift)[0]
    spent = crossing(t, upper, _low(lower if binding else none, upper, sided), 0.0)[0]
    words = f"{design}, {'two' if sided == 2 else 'one'}-sided"
    if np.isfinite(lower).any():
        words += f", {'binding' if binding else 'non-binding'} futility"
    reached = np.cumsum(up)
    return GroupSequentialDesign(
        information=_tuple(t),
        efficacy=_tuple(upper),
        futility=_tuple(lower[:-1]),
        nominal=_tuple(ndtr(-upper)),
        alpha_spent=_tuple(sided * np.cumsum(spent)),
        beta_spent=() if betas is None else _tuple(betas),
        power_reached=_tuple(reached),
        drift=drift,
        inflation=float(inflation),
        expected_h1=expected(drift),
        expected_half=expected(drift / 2),
        expected_h0=expected(0.0),
        alpha=alpha,
        sided=sided,
        power=power,
        method=words,
    )


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
