"""From which agreement the Dice of a later case is predicted, and how far off that is: decided by tuning cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate import patients
from overread.evaluate.metric import Measure
from overread.evaluate.metrics import METRICS
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, numbers, part_of
from overread.evaluate.spreads import COVERAGE, FEWEST_PATIENTS
from overread.evaluate.volumes import coverage
from overread.runtime.answer import PredictedDice
from overread.runtime.manifest_quality import Quality
from overread.runtime.quality import SOURCES, expected_dice, spread_at
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, rate_ci


def quality_of(
    agreement: Sequence[Mapping[str, float]], dice: NDArray[np.float64], cluster: NDArray[Any] | None
) -> tuple[Quality | None, NDArray[np.float64], str]:
    """What predicts the Dice of a label, the predictions ``(cases,)`` for cases left out, and why there is nothing.

    ``agreement``: of each case in which the label was found, by source; ``dice (cases,)``: its Dice, 0 where nothing of
    it is there. Each patient's error is that of a line through the others (jackknife: Barber et al., Ann Stat
    2021;49:486). Of several sources the one with the smallest mean error is taken.
    """
    n = patients.count(cluster, len(dice))
    if n < FEWEST_PATIENTS:
        return (
            None,
            np.full(len(dice), np.nan),
            f"it was found in {n} tuning patients, expected {FEWEST_PATIENTS}",
        )
    owner = np.arange(len(dice)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    best: tuple[float, Quality, NDArray[np.float64]] | None = None
    for source in SOURCES:
        if not all(source in one for one in agreement):
            continue
        agreed = np.array([one[source] for one in agreement])
        out = np.empty(len(dice))
        for unit in range(int(owner.max()) + 1):
            left = owner == unit
            out[left] = expected_dice(*_line(agreed[~left], dice[~left]), agreed[left])
        off = np.abs(out - dice)
        limits = patients.limits((dice - out) / spread_at(out), coverage=COVERAGE, cluster=cluster)
        intercept, slope = _line(agreed, dice)
        error = mean_ci(off, cluster=cluster, bounds=(0.0, 1.0))
        quality = Quality(
            source=source,  # type: ignore[arg-type]
            intercept=intercept,
            slope=slope,
            low=limits.low,
            high=limits.high,
            coverage=limits.coverage,
            patients=limits.n,
            figures={"absolute_error": error.as_dict()},
        )
        if best is None or float(off.mean()) < best[0] - 1e-9:
            best = float(off.mean()), quality, out
    if best is None:
        return None, np.full(len(dice), np.nan), "the network says nothing that it could be predicted from"
    return best[1], best[2], ""


def _line(agreed: NDArray[np.float64], dice: NDArray[np.float64]) -> tuple[float, float]:
    """Least squares; level where Dice would fall as agreement rises, which is chance."""
    spread = agreed - agreed.mean()
    square = float(spread @ spread)
    slope = max(0.0, float(spread @ dice) / square) if square > 1e-12 else 0.0
    return float(dice.mean()) - slope * float(agreed.mean()), slope


def columns(given: PredictedDice | None, dice: float | None, label: str) -> Row:
    """``expected_dice_`` and ``expected_inside_<label>`` of one case; ``dice`` is None where nothing of it is there."""
    if given is None:
        return {}
    real = dice or 0.0
    held = given.low - 1e-9 <= real <= given.high + 1e-9
    return {f"expected_dice_{label}": given.value, f"expected_inside_{label}": int(held)}


def measures(rows: Sequence[Row], label: str, clusters: NDArray[Any] | None) -> list[Measure]:
    """How far the expected Dice was off where something was found, how often its interval held, and what a rule to
    refer by it gave."""
    value, held, dice = numbers(
        rows, [f"{k}_{label}" for k in ("expected_dice", "expected_inside", "dice")]
    ).T
    off = np.abs(value - np.nan_to_num(dice))
    known = np.isfinite(value)

    def error() -> Interval:
        if not known.any():
            raise ValueError("the package predicts it for none of these cases")
        return mean_ci(off[known], cluster=part_of(clusters, known), bounds=(0.0, 1.0))

    return [
        Measure(METRICS["expected_dice_error"], label, "overlap, 0 to 1", error),
        Measure(
            METRICS["expected_dice_coverage"],
            label,
            f"{CASES} with a stated interval",
            partial(coverage, held, clusters),
        ),
    ]


def referral_measures(
    rows: Sequence[Row], label: str, least: float, clusters: NDArray[Any] | None
) -> list[Measure]:
    """How many of the masks with an expected Dice were left to a person, and how many of the others lie below
    ``least``."""
    value, left, dice = numbers(rows, [f"{k}_{label}" for k in ("expected_dice", "refer", "dice")]).T
    known = np.isfinite(value)
    kept = known & (left == 0)
    wrong = np.nan_to_num(dice) < least

    def of(values: NDArray[np.bool_], where: NDArray[np.bool_]) -> Interval:
        if not where.any():
            raise ValueError("there is no such case")
        return rate_ci(values[where], cluster=part_of(clusters, where))

    return [
        Measure(METRICS["referred"], label, f"{CASES} in which it was found", partial(of, left == 1, known)),
        Measure(METRICS["decided_wrong"], label, f"{CASES}, Dice below {least:g}", partial(of, wrong, kept)),
    ]
