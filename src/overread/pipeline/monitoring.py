"""What is to be watched in use: limits that the protocol sets, and how many cases tell them from the goal."""

from __future__ import annotations

from typing import Any

from overread.evaluate.metrics import METRICS, title
from overread.pipeline.protocol import Endpoint, Monitored, Protocol
from overread.pipeline.sample_size import ALPHA, OF, POWER
from overread.stats.power.goal import performance_goal


def monitoring_of(protocol: Protocol) -> list[dict[str, Any]]:
    """A row for each limit, for the package's card: ``metric``, ``label``, ``limit``, ``says``, and ``cases``.

    ``cases``: of a rate, so many cases whose truth became known tell the limit from the goal (exact binomial test,
    one-sided .025, power 80%); None where no goal of that metric is set, or it is no rate.
    """
    return [_row(m, protocol) for m in protocol.monitoring]


def _row(limit: Monitored, protocol: Protocol) -> dict[str, Any]:
    metric = METRICS[limit.metric]
    beyond = "above" if metric.better == "lower" else "below"
    goal = next((e for e in protocol.endpoints if (e.metric, e.label) == (limit.metric, limit.label)), None)
    cases = _cases(limit, goal)
    says = f"{title(metric, limit.label)} {beyond} {limit.limit:g}: {limit.action}"
    if cases is not None and goal is not None:
        says += f" ({cases:,} cases of known truth tell {limit.limit:g} from the goal {goal.goal:g})"
    return {"metric": limit.metric, "label": limit.label, "limit": limit.limit, "cases": cases, "says": says}


def _cases(limit: Monitored, goal: Endpoint | None) -> int | None:
    if goal is None or limit.metric not in OF or not 0 < limit.limit < 1 or not 0 < goal.goal < 1:
        return None
    if goal.goal == limit.limit:
        return None
    return performance_goal(goal=goal.goal, expected=limit.limit, alpha=ALPHA, power=POWER).n
