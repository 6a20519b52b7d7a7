"""A number: how far off, in its unit, beside always saying the training mean; and whether its intervals hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate import patients
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.figures import AgreementFigure, Figure
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.metrics import METRICS as ALL
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, notes_of, numbers, of_kind, part_of
from overread.evaluate.rules import no_rule
from overread.evaluate.spreads import COVERAGE, FEWEST_PATIENTS
from overread.evaluate.tasks.protocol import Telling
from overread.imaging.image import Image
from overread.runtime.answer import Answer, Value
from overread.runtime.answer_text import quantity, unit_words
from overread.runtime.manifest import Calibration, Manifest, Quantity, Spread
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.tasks.regression import DECODING, decoded
from overread.stats.interval import Interval
from overread.stats.intervals import bootstrap_weighted_ci, mean_ci, rate_ci

KEYS = (
    *("mae", "mae_gain", "rmse", "r2", "bias", "agreement_low", "agreement_high"),
    *("value_coverage", "interval_width"),
)
ANSWERED_ONLY = frozenset({"bias", "agreement_low", "agreement_high", "value_coverage", "interval_width"})
WORST, TYPICAL = 6, 3
FAR = 3.0
"""Standard deviations of the training cases: how far a refused case counts as off where no bound is declared."""

METRICS: tuple[Metric, ...] = tuple(ALL[key] for key in KEYS)
Evidence = tuple[NDArray[np.float64], float]
"""The network's two outputs, and the true number."""


def offered(
    labels: Sequence[str], positive: str | None, counted: Sequence[str], /
) -> list[tuple[Metric, str | None]]:
    """Everything is about the one number."""
    return [(ALL[key], None) for key in KEYS]


def rule(text: str, labels: Sequence[str], positive: str | None, /) -> str:
    """None: a number is not decided."""
    return no_rule(text, "a number has no threshold; the task ordinal has one between grades")


def evidence(raw: Outputs, truth: TruthValue, prepared: Prepared, manifest: Manifest, /) -> Evidence:
    """The network's outputs beside the true number."""
    return raw["logits"].astype(np.float64), float(truth)  # type: ignore[arg-type]


def calibrate(
    evidence: Sequence[Evidence], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
) -> Calibrated:
    """Limits of the residuals over their expected spread, by patients (split conformal, `overread.evaluate.patients`).

    With too few tuning patients for 90% the stated coverage is what their outermost residuals have; below
    `FEWEST_PATIENTS` there is no interval.
    """
    label = manifest.labels[0]
    value, spread = decoded(np.stack([z for z, _ in evidence]), manifest)
    true = np.array([y for _, y in evidence])
    n = patients.count(clusters, len(true))
    spread_quantiles = np.quantile(value, np.linspace(0, 1, 21)).round(6).tolist()
    reference: dict[str, Any] = {"value_quantiles": {label: spread_quantiles}}
    if n < FEWEST_PATIENTS:
        why = f"{n} tuning patients are too few for an interval, expected {FEWEST_PATIENTS}"
        return Calibrated(
            Calibration(reasons={label: why}, cases=len(true)), {}, reference | notes_of({label: why})
        )
    found = patients.limits((true - value) / spread, coverage=COVERAGE, cluster=clusters)
    residuals = Spread(low=found.low, high=found.high, coverage=found.coverage, cases=found.n)
    return Calibrated(Calibration(value_residuals={label: residuals}, cases=len(true)), {}, reference)


def row(answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
    """``true``, ``found``, and the interval's ``low`` and ``high``; None without one."""
    columns: Row = {"true": float(truth)}  # type: ignore[arg-type]
    if answer is None:
        return columns
    given = of_kind(answer, Value)
    return columns | {"found": float(given.value), "low": given.low, "high": given.high}


def unanswered(row: Row, manifest: Manifest, /) -> Row:
    """A refused case counts as far off as there can be: the bound that is farthest from the true number, and where
    none is declared so many standard deviations of the training cases from their mean."""
    decoding = {**DECODING, **manifest.decoding}
    bounds = (manifest.quantity or Quantity()).bounds
    reach = FAR * decoding["scale"]
    ends = [
        end if bound is None else bound
        for bound, end in zip(bounds, (decoding["centre"] - reach, decoding["centre"] + reach), strict=True)
    ]
    return {"found": max(ends, key=lambda end: abs(end - row["true"])), "low": None, "high": None}


def shows(row: Row, manifest: Manifest, /) -> list[str]:
    """No label: every case has a number."""
    return []


def measures(rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /) -> list[Measure]:
    """Errors, agreement, and the stated intervals; ``mae_gain`` is paired, case by case."""
    # It loads scipy.stats, a second that reading a protocol should not cost.
    from overread.stats.agreement import bland_altman

    unit = unit_words((manifest.quantity or Quantity()).unit) or "units"
    true, found, low, high = numbers(rows, ["true", "found", "low", "high"]).T
    error = found - true
    mean = {**DECODING, **manifest.decoding}["centre"]
    gain = np.abs(true - mean) - np.abs(error)
    stated = np.isfinite(low) & np.isfinite(high)
    owners = part_of(clusters, stated)

    def agreement(side: str) -> Interval:
        chosen: Interval = getattr(bland_altman(found, true, subject=clusters), side)
        return chosen

    def weighted(statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Interval:
        return bootstrap_weighted_ci(statistic, len(true), cluster=clusters)

    def coverage() -> Interval:
        _some(stated)
        inside = (low[stated] - 1e-9 <= true[stated]) & (true[stated] <= high[stated] + 1e-9)
        return rate_ci(inside, cluster=owners)

    def width() -> Interval:
        _some(stated)
        return mean_ci(high[stated] - low[stated], cluster=owners)

    found_minus_true = f"{unit}, found minus true"
    computed: dict[str, tuple[str, Callable[[], Interval]]] = {
        "mae": (unit, partial(mean_ci, np.abs(error), cluster=clusters)),
        "mae_gain": (
            f"{unit} less than always saying {mean:.4g}, the training mean; paired",
            partial(mean_ci, gain, cluster=clusters),
        ),
        "rmse": (unit, partial(weighted, partial(_rmse, error))),
        "r2": ("share of the variance", partial(weighted, partial(_r2, true, error))),
        "bias": (found_minus_true, partial(agreement, "bias")),
        "agreement_low": (found_minus_true, partial(agreement, "lower")),
        "agreement_high": (found_minus_true, partial(agreement, "upper")),
        "value_coverage": (f"{CASES} with a stated interval", coverage),
        "interval_width": (unit, width),
    }
    return [Measure(ALL[key], None, *computed[key]) for key in KEYS]


def figures(rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /) -> list[Figure]:
    """Found against true with the intervals, and their differences against their means."""
    true, found, low, high = numbers(rows, ["true", "found", "low", "high"]).T
    by_key = {m.metric.key: m for m in measured}
    sides = [by_key.get(key) for key in ("bias", "agreement_low", "agreement_high")]
    unit = unit_words((manifest.quantity or Quantity()).unit)
    return [AgreementFigure(manifest.labels[0], unit, true, found, low, high, sides)]


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    """The largest errors, and some of the middle size."""
    unit = (manifest.quantity or Quantity()).unit
    order = sorted(range(len(rows)), key=lambda i: -abs(rows[i]["found"] - rows[i]["true"]))
    worst = order[:WORST]
    middle = order[len(order) // 2 :][:TYPICAL] if len(order) > WORST else []
    return [
        Telling(
            title,
            rows[i]["case"],
            f"{rows[i]['case']}: {quantity(rows[i]['found'], unit)}, true {quantity(rows[i]['true'], unit)}",
        )
        for title, part in (("Largest errors", worst), ("Errors of middle size", middle))
        for i in part
    ]


def _some(stated: NDArray[np.bool_]) -> None:
    if not stated.any():
        raise ValueError("the package states no interval")


def _rmse(error: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.sqrt(weights @ error**2 / weights.sum(axis=1))
    return found


def _r2(
    true: NDArray[np.float64], error: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    total = weights.sum(axis=1)
    mean = weights @ true / total
    around = weights @ true**2 / total - mean**2
    if (around <= 1e-12 * max(1.0, float(np.abs(true).max()) ** 2)).any():
        raise ValueError("the cases (or a resample of them) have one and the same number")
    found: NDArray[np.float64] = 1 - weights @ error**2 / total / around
    return found
