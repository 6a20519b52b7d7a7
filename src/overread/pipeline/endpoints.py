"""Goals fixed before the test, held against what the test gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overread.pipeline.protocol import Endpoint

# Measures of which less is better; their unfavourable limit is the upper one.
ERRORS = ("brier", "ece", "hd95", "false_lesions_per_case")


def judge(endpoint: Endpoint, metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One row of the report: goal, direction, estimate, limits, what was judged and whether it was met.

    Raises
    ------
    ValueError
        A metric that could not be computed on these cases.
    """
    if endpoint.metric not in metrics:
        raise ValueError(
            f"{endpoint.metric!r} could not be computed on these test cases; see not_computed in report.json"
        )
    found = metrics[endpoint.metric]
    less = endpoint.metric.startswith(ERRORS)
    judged_on = "estimate" if endpoint.judged_on == "estimate" else ("high" if less else "low")
    value = found[judged_on]
    return {
        "metric": endpoint.metric,
        "goal": endpoint.goal,
        "direction": "at most" if less else "at least",
        "judged_on": judged_on,
        **{k: found[k] for k in ("estimate", "low", "high")},
        "met": bool(value <= endpoint.goal if less else value >= endpoint.goal),
    }
