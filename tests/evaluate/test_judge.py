"""A goal is judged on the side that matters."""

from __future__ import annotations

import pytest

from overread.pipeline.endpoints import judge
from overread.pipeline.protocol import Endpoint

METRICS = {
    "auroc": {"estimate": 0.9, "low": 0.85, "high": 0.95},
    "hd95_lesion": {"estimate": 4.0, "low": 3.0, "high": 6.0},
}


@pytest.mark.parametrize(
    ("metric", "goal", "judged_on", "met", "quantity"),
    [
        ("auroc", 0.87, "estimate", True, "estimate"),
        ("auroc", 0.87, "limit", False, "low"),
        ("auroc", 0.85, "limit", True, "low"),
        ("hd95_lesion", 5.0, "estimate", True, "estimate"),
        ("hd95_lesion", 5.0, "limit", False, "high"),
        ("hd95_lesion", 6.0, "limit", True, "high"),
    ],
)
def test_direction_and_quantity(metric: str, goal: float, judged_on: str, met: bool, quantity: str) -> None:
    row = judge(Endpoint.model_validate({"metric": metric, "goal": goal, "judged_on": judged_on}), METRICS)
    assert (row["met"], row["judged_on"]) == (met, quantity)
    assert row["direction"] == ("at most" if metric.startswith("hd95") else "at least")


def test_a_metric_that_was_not_computed_is_named() -> None:
    with pytest.raises(ValueError, match="'dice' could not be computed"):
        judge(Endpoint(metric="dice", goal=1), METRICS)
