"""What changed between two looks at a test, and what did not."""

from __future__ import annotations

import json
from typing import Any

from overread.ledger.ledger import Event
from overread.pipeline.looks import other_goals

GOAL = {"metric": "auroc", "label": None, "goal": 0.8, "judged_on": "limit", "proposed": True}


def opening(*goals: dict[str, Any]) -> Event:
    payload = json.dumps({"goals": list(goals)})
    return Event(1, "2026-01-01T00:00:00+00:00", "a", "pipeline.opened", payload, "", "")


def test_a_lowered_goal_is_told_and_who_proposed_it_is_none() -> None:
    now = [GOAL | {"proposed": False, "expected": 0.9}]
    assert other_goals([opening(GOAL)], now) == []
    higher = GOAL | {"goal": 0.9}
    assert other_goals([opening(GOAL), opening(higher), opening()], now) == [[higher], []]
