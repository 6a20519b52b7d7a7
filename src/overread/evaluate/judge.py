"""Goals fixed before the test, held against what the test gave: one row a goal, whether it could be computed or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from overread.evaluate.metrics import METRICS
from overread.evaluate.run import Evaluation


@dataclass(frozen=True)
class Goal:
    """A goal fixed before the test patients are opened: ``metric`` of ``label`` (of all if None) reaches ``goal``.

    ``judged_on`` says which quantity counts: the point ``estimate``, or the less favourable confidence ``limit``.
    Raises ValueError for a metric that there is not, or that has no better direction.
    """

    metric: str
    label: str | None
    goal: float
    judged_on: Literal["estimate", "limit"] = "limit"

    def __post_init__(self) -> None:
        known = [key for key, metric in METRICS.items() if metric.better != "none"]
        if self.metric not in known:
            raise ValueError(f"metric: found {self.metric!r}, expected one of {', '.join(known)}")

    @property
    def less(self) -> bool:
        """Less is better: the goal is a largest value."""
        return METRICS[self.metric].better == "lower"


def judge(goals: Sequence[Goal], evaluation: Evaluation) -> list[dict[str, Any]]:
    """One row for each goal, in their order: as many rows as goals.

    A metric that these cases could not give does not meet its goal; ``reason`` then says why, and estimate and limits
    are None. On the ``limit`` the less favourable of limit and estimate counts: a basic bootstrap limit of a
    calibration error can be the more lenient of the two.
    """
    return [_row(goal, evaluation) for goal in goals]


def _row(goal: Goal, evaluation: Evaluation) -> dict[str, Any]:
    judged_on = "estimate" if goal.judged_on == "estimate" else ("high" if goal.less else "low")
    row: dict[str, Any] = {
        "metric": goal.metric,
        "label": goal.label,
        "goal": goal.goal,
        "direction": "at most" if goal.less else "at least",
        "judged_on": judged_on,
        "estimate": None,
        "low": None,
        "high": None,
        "met": False,
        "reason": "",
    }
    found = evaluation.of(goal.metric, goal.label)
    if found is None:
        return row | {"reason": evaluation.reason(goal.metric, goal.label)}
    interval = found.interval
    values = {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
    counted = (values["estimate"], values[judged_on])
    met = max(counted) <= goal.goal if goal.less else min(counted) >= goal.goal
    return row | values | {"met": bool(met)}
