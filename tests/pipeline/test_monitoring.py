"""Limits for the time in use go into the package, with the number of cases that shows them."""

from __future__ import annotations

from typing import Any

import pytest

from overread.pipeline.monitoring import monitoring_of
from overread.pipeline.protocol import Protocol
from overread.stats.power.goal import performance_goal

GOOD = {
    "name": "chest",
    "task": "classification",
    "dimensions": 2,
    "labels": ["normal", "pneumonia"],
    "positive": "pneumonia",
    "channels": [{"name": "image"}],
    "endpoints": [{"metric": "auroc", "goal": 0.8}, {"metric": "sensitivity", "goal": 0.9}],
}
STOP = {"metric": "sensitivity", "limit": 0.8, "action": "stop and review"}


def protocol(*limits: dict[str, Any]) -> Protocol:
    return Protocol.model_validate(GOOD | {"monitoring": list(limits)})


def test_a_rate_says_after_how_many_cases_its_limit_is_told_from_the_goal() -> None:
    (row,) = monitoring_of(protocol(STOP))
    assert row["cases"] == performance_goal(goal=0.9, expected=0.8, alpha=0.025, power=0.8).n
    assert row["says"].startswith("Sensitivity below 0.8: stop and review (")


def test_what_is_no_rate_or_has_no_goal_has_its_limit_alone() -> None:
    area, brier = monitoring_of(
        protocol(STOP | {"metric": "auroc", "limit": 0.7}, STOP | {"metric": "brier", "limit": 0.3})
    )
    assert area["cases"] is None and area["says"].endswith("below 0.7: stop and review")
    assert brier["says"].endswith("above 0.3: stop and review")


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (STOP | {"limit": 0.95}, "found the limit 0.95, expected none stricter than the goal 0.9"),
        (STOP | {"metric": "dice"}, "monitoring: no metric 'dice'"),
        (STOP | {"label": "lung"}, "monitoring: metric sensitivity with label lung"),
        (STOP | {"action": ""}, "at least 1 character"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(limit: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        protocol(limit)
