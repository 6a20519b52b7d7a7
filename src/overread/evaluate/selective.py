"""Whether the package knows when it is wrong: risk over coverage on the test, and what it left to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.figures import RiskCoverageFigure
from overread.evaluate.metric import Measure, Measured
from overread.evaluate.metrics import METRICS
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, numbers, part_of
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci
from overread.stats.selective import aurc, selective_gain

KEYS = ("aurc", "selective_gain")
REFERRED = ("referred", "decided_wrong")


def refer_columns(labels: Sequence[str], referred: Mapping[str, str] | str) -> Row:
    """Column ``refer`` (of classes) or ``refer_<finding>``: 1 where a person must decide, else 0."""
    if isinstance(referred, str):
        return {"refer": int(bool(referred))}
    return {f"refer_{label}": int(label in referred) for label in labels}


def selective_measures(
    rows: Sequence[Row],
    sure: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    clusters: NDArray[Any] | None,
    *,
    label: str | None = None,
) -> list[Measure]:
    """Area under the curve of risk over coverage and gain of the surer half, of decisions that are ``wrong (n,)`` and
    their confidence ``sure (n,)``; where ``rows`` say who was referred, how many, and the share wrong among the
    rest."""

    def gain() -> Interval:
        return selective_gain(wrong, sure, cluster=clusters)

    found = [
        Measure(METRICS["aurc"], label, "share wrong", partial(_some, aurc, wrong, sure, clusters)),
        Measure(METRICS["selective_gain"], label, "difference of shares", gain),
    ]
    column = "refer" if label is None else f"refer_{label}"
    if rows and all(column in row for row in rows):
        left = numbers(rows, [column])[:, 0] == 1
        kept = part_of(clusters, ~left)
        found.append(Measure(METRICS["referred"], label, CASES, partial(rate_ci, left, cluster=clusters)))
        found.append(
            Measure(METRICS["decided_wrong"], label, CASES, partial(rate_ci, wrong[~left], cluster=kept))
        )
    return found


def selective_figure(
    subject: str,
    rows: Sequence[Row],
    sure: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    measured: Sequence[Measured],
    *,
    label: str | None = None,
) -> RiskCoverageFigure:
    """The curve, with the share decided and wrong at the package's own threshold where it has one."""
    column = "refer" if label is None else f"refer_{label}"
    point = None
    if rows and all(column in row for row in rows):
        kept = numbers(rows, [column])[:, 0] == 0
        if kept.any():
            point = float(kept.mean()), float(wrong[kept].mean())
    area = next((m for m in measured if (m.metric.key, m.label) == ("aurc", label)), None)
    return RiskCoverageFigure(subject, wrong, sure, area, point)


def _some(measure: Any, wrong: NDArray[np.bool_], sure: NDArray[np.float64], clusters: Any) -> Interval:
    if len(wrong) == 0:
        raise ValueError("nothing was decided")
    found: Interval = measure(wrong, sure, cluster=clusters)
    return found
