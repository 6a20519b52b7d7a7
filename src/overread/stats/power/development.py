"""Sizes for developing a prediction model: enough cases that it is not overfitted (Riley et al.)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy.special import log_expit
from scipy.stats import t as student

from overread.stats.power.linear_predictor import from_c_statistic
from overread.stats.power.precision import sd_precision, smallest
from overread.stats.power.result import check_open, check_positive, whole

Z = 1.96  # as printed in the papers and used by pmsampsize


@dataclass(frozen=True)
class PredictionModelSize:
    """Cases for developing or validating a prediction model: the largest that any criterion needs.

    ``criteria`` holds each criterion's own size before rounding up, ``n`` the largest, rounded up.
    ``events`` are those expected among ``n``, ``events_per_parameter`` (development only) per candidate
    parameter.
    """

    n: int
    criteria: Mapping[str, float]
    binding: str
    events: float | None
    method: str
    events_per_parameter: float | None = None
    assumptions: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def max_cox_snell(*, prevalence: float) -> float:
    """Largest Cox-Snell R-squared that a binary outcome allows: 1 - exp(2 lnL_null / n)."""
    check_open("prevalence", prevalence)
    null = prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence)
    return float(-np.expm1(2 * null))


def cox_snell_from_c_statistic(*, c_statistic: float, prevalence: float) -> float:
    """Cox-Snell R-squared of a calibrated model with this C-statistic (AUC) and prevalence.

    Scores of events and non-events are taken as normal with equal spread (Riley, Van Calster and Collins,
    Stat Med 2021;40:859); they simulate, here the expectation is integrated numerically.
    """
    lp, weight = from_c_statistic(c_statistic, prevalence)
    null = prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence)
    risk = 1 / (1 + np.exp(-lp))
    model = float(weight @ (risk * log_expit(lp) + (1 - risk) * log_expit(-lp)))
    return float(-np.expm1(2 * (null - model)))


def development_binary(
    *,
    parameters: int,
    prevalence: float,
    r2_cox_snell: float | None = None,
    c_statistic: float | None = None,
    r2_nagelkerke: float | None = None,
    shrinkage: float = 0.9,
    delta_r2: float = 0.05,
    margin_of_error: float = 0.05,
    mape: float | None = None,
    rounded: bool = False,
) -> PredictionModelSize:
    """Cases to develop a model of a binary outcome with so many candidate ``parameters``.

    Riley et al. (Stat Med 2019;38:1276; BMJ 2020;368:m441). Criteria: ``shrinkage`` of at least that much;
    ``optimism``: apparent and adjusted Nagelkerke R-squared within ``delta_r2``; ``overall risk`` known
    within ``margin_of_error``; with ``mape`` also ``prediction error``: that mean absolute error of the
    predicted risks (van Smeden et al., Stat Methods Med Res 2019;28:2455; up to 30 parameters).

    The model's expected fit is one of the adjusted ``r2_cox_snell``, a ``c_statistic`` (see
    ``cox_snell_from_c_statistic``), or a share ``r2_nagelkerke`` of the largest possible (0.15 is a cautious
    choice). ``rounded``: round the largest R-squared to 2 and the shrinkage to 3 decimals within the
    ``optimism`` criterion, as pmsampsize does; its answers differ by up to a percent from the formula.
    """
    check_open("prevalence", prevalence)
    largest = max_cox_snell(prevalence=prevalence)
    if (r2_cox_snell is not None) + (c_statistic is not None) + (r2_nagelkerke is not None) != 1:
        raise ValueError("give exactly one of r2_cox_snell, c_statistic and r2_nagelkerke")
    if c_statistic is not None:
        r2 = cox_snell_from_c_statistic(c_statistic=c_statistic, prevalence=prevalence)
    else:
        r2 = r2_nagelkerke * largest if r2_nagelkerke is not None else float(r2_cox_snell or 0)
    criteria = _overfitting(parameters, r2, largest, shrinkage, delta_r2, rounded)
    check_open("margin_of_error", margin_of_error)
    criteria["overall risk"] = (Z / margin_of_error) ** 2 * prevalence * (1 - prevalence)
    if mape is not None:
        check_open("mape", mape)
        if parameters > 30:
            raise ValueError(f"mape was studied for up to 30 parameters, not {parameters}; leave it None")
        log_n = -0.508 + 0.259 * np.log(prevalence) + 0.504 * np.log(parameters) - np.log(mape)
        criteria["prediction error"] = float(np.exp(log_n / 0.544))
    return _result(
        criteria,
        "development, binary outcome (Riley)",
        prevalence,
        parameters,
        {
            "parameters": parameters,
            "prevalence": prevalence,
            "r2_cox_snell": r2,
            "max_r2": largest,
            "c_statistic": c_statistic,
            "shrinkage": shrinkage,
            "delta_r2": delta_r2,
            "margin_of_error": margin_of_error,
            "mape": mape,
        },
    )


def development_survival(
    *,
    parameters: int,
    r2_cox_snell: float,
    rate: float,
    timepoint: float,
    mean_follow_up: float,
    shrinkage: float = 0.9,
    delta_r2: float = 0.05,
    margin_of_error: float = 0.05,
    rounded: bool = False,
) -> PredictionModelSize:
    """Cases to develop a time-to-event model: events at ``rate`` per unit of time, followed for a mean time.

    Criteria as in ``development_binary``; the overall risk is that at ``timepoint`` under an exponential
    model, from the normal interval of the rate (Riley et al., BMJ 2020;368:m441). The largest R-squared
    takes the mean follow-up as the unit of time, as pmsampsize does.
    """
    for name, value in (("rate", rate), ("timepoint", timepoint), ("mean_follow_up", mean_follow_up)):
        check_positive(name, value)
    check_open("margin_of_error", margin_of_error)
    events = rate * mean_follow_up
    largest = float(-np.expm1(2 * (events * np.log(events) - events)))
    check_open("largest R-squared (rate times mean_follow_up too large)", largest)
    criteria = _overfitting(parameters, r2_cox_snell, largest, shrinkage, delta_r2, rounded)

    def good(n: float) -> bool:
        error = Z * np.sqrt(rate / (n * mean_follow_up))
        risk = [-np.expm1(-max(0.0, r) * timepoint) for r in (rate - error, rate, rate + error)]
        return bool(max(risk[2] - risk[1], risk[1] - risk[0]) <= margin_of_error)

    criteria["overall risk"] = smallest(good)
    return _result(
        criteria,
        "development, time-to-event outcome (Riley)",
        events,
        parameters,
        {
            "parameters": parameters,
            "r2_cox_snell": r2_cox_snell,
            "max_r2": largest,
            "rate": rate,
            "timepoint": timepoint,
            "mean_follow_up": mean_follow_up,
            "shrinkage": shrinkage,
            "delta_r2": delta_r2,
            "margin_of_error": margin_of_error,
        },
    )


def development_continuous(
    *,
    parameters: int,
    r2_adjusted: float,
    mean: float | None = None,
    sd: float | None = None,
    shrinkage: float = 0.9,
    delta_r2: float = 0.05,
    margin: float = 1.1,
) -> PredictionModelSize:
    """Cases to develop a model of a continuous outcome (Riley et al., Stat Med 2019;38:1262).

    Criteria: ``shrinkage`` (Copas), ``optimism`` in R-squared, ``residual sd`` known within the multiplicative
    ``margin``, and with ``mean`` and ``sd`` the ``intercept``: the mean outcome known within that margin.
    """
    _check_parameters(parameters)
    check_open("r2_adjusted", r2_adjusted)
    check_open("shrinkage", shrinkage)
    check_open("delta_r2", delta_r2)

    def shrunk(n: float) -> bool:
        apparent = (r2_adjusted * (n - parameters - 1) + parameters) / (n - 1)
        return bool(1 + (parameters - 2) / (n * np.log(1 - apparent)) >= shrinkage)

    criteria = {
        "shrinkage": _last_root(shrunk, parameters + 2),
        "optimism": 1 + parameters * (1 - r2_adjusted) / delta_r2,
        "residual sd": float(sd_precision(margin=margin, parameters=parameters).n),
    }
    if (mean is None) != (sd is None):
        raise ValueError("give both mean and sd of the outcome, or neither")
    if mean is not None and sd is not None:
        check_positive("sd", sd)
        check_positive("mean", abs(mean))

        def known(n: float) -> bool:
            df = n - parameters - 1
            half = student.ppf(0.975, df) * np.sqrt(sd**2 * (1 - r2_adjusted) / n)
            return bool((abs(mean) + half) / abs(mean) <= margin)

        criteria["intercept"] = smallest(known, start=parameters + 2.0)
    return _result(
        criteria,
        "development, continuous outcome (Riley)",
        None,
        parameters,
        {
            "parameters": parameters,
            "r2_adjusted": r2_adjusted,
            "mean": mean,
            "sd": sd,
            "shrinkage": shrinkage,
            "delta_r2": delta_r2,
            "margin": margin,
        },
    )


def _overfitting(
    parameters: int, r2: float, largest: float, shrinkage: float, delta: float, rounded: bool
) -> dict[str, float]:
    _check_parameters(parameters)
    check_open("shrinkage", shrinkage)
    check_open("delta_r2", delta)
    if not 0 < r2 < largest:
        raise ValueError(f"r2_cox_snell is {r2:.4g}, expected above 0 and below the largest, {largest:.4g}")
    if r2 >= shrinkage:
        raise ValueError(
            f"r2_cox_snell {r2:.4g} is not below the shrinkage {shrinkage}; the formula ends there"
        )

    def needed(s: float) -> float:
        return float(parameters / ((s - 1) * np.log(1 - r2 / s)))

    allowed = r2 / (r2 + delta * (round(largest, 2) if rounded else largest))
    return {"shrinkage": needed(shrinkage), "optimism": needed(round(allowed, 3) if rounded else allowed)}


def _last_root(good: Callable[[float], bool], lowest: int) -> float:
    """Smallest whole n from which ``good`` keeps holding: near n = parameters it can hold by chance."""
    n = lowest
    while not good(n):
        n *= 2
    grid = np.unique(np.geomspace(lowest, 4 * n, 400).astype(int))
    failing = [int(size) for size in grid if not good(int(size))]
    start = max(failing, default=lowest - 1) + 1
    while not good(start):
        start += 1
    return float(start)


def _result(
    criteria: dict[str, float],
    method: str,
    events_per_case: float | None,
    parameters: int,
    assumptions: dict[str, Any],
) -> PredictionModelSize:
    binding = max(criteria, key=lambda name: criteria[name])
    n = int(whole(criteria[binding]))
    events = None if events_per_case is None else n * events_per_case
    return PredictionModelSize(
        n=n,
        criteria=criteria,
        binding=binding,
        events=events,
        method=method,
        events_per_parameter=None if events is None else events / parameters,
        assumptions=assumptions,
    )


def _check_parameters(parameters: int) -> None:
    if int(parameters) != parameters or parameters < 1:
        raise ValueError(f"parameters is {parameters}, expected a whole number, 1 or more")
