"""A goal is judged on the side that matters, and never vanishes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.evaluate.judge import Goal, judge
from overread.evaluate.metric import Measured, NotComputed
from overread.evaluate.metrics import METRICS
from overread.evaluate.run import Evaluation
from overread.stats.interval import Interval

EVALUATION = Evaluation(
    [],
    (METRICS["auroc"], None),
    [
        Measured(METRICS["auroc"], None, "area", Interval(0.9, 0.85, 0.95)),
        Measured(METRICS["hd95"], "lesion", "mm", Interval(4.0, 3.0, 6.0)),
        Measured(METRICS["ece"], None, "probability", Interval(0.08, 0.02, 0.06)),
    ],
    [NotComputed("sensitivity", None, "no case has it")],
)


@pytest.mark.parametrize(
    ("metric", "label", "goal", "judged_on", "met", "quantity"),
    [
        ("auroc", None, 0.87, "estimate", True, "estimate"),
        ("auroc", None, 0.87, "limit", False, "low"),
        ("auroc", None, 0.85, "limit", True, "low"),
        ("hd95", "lesion", 5.0, "estimate", True, "estimate"),
        ("hd95", "lesion", 5.0, "limit", False, "high"),
        ("hd95", "lesion", 6.0, "limit", True, "high"),
        ("ece", None, 0.07, "limit", False, "high"),
        ("ece", None, 0.08, "limit", True, "high"),
    ],
)
def test_direction_and_quantity(metric, label, goal, judged_on, met, quantity) -> None:
    (row,) = judge([Goal(metric, label, goal, judged_on)], EVALUATION)
    assert (row["met"], row["judged_on"], row["reason"]) == (met, quantity, "")
    assert row["direction"] == ("at least" if metric == "auroc" else "at most")


def test_a_goal_that_cannot_be_computed_is_not_met_and_says_why() -> None:
    rows = judge(
        [Goal("sensitivity", None, 0.0), Goal("auroc", None, 0.8), Goal("dice", "x", 0.0)], EVALUATION
    )
    assert [r["met"] for r in rows] == [False, True, False]
    assert [r["reason"] for r in rows] == ["no case has it", "", "this test does not measure it"]
    assert rows[0]["estimate"] is None and rows[0]["goal"] == 0


@given(
    st.lists(
        st.builds(
            Goal,
            metric=st.sampled_from([k for k, m in METRICS.items() if m.better != "none"]),
            label=st.sampled_from([None, "lesion", "macro"]),
            goal=st.floats(allow_nan=False),
            judged_on=st.sampled_from(["estimate", "limit"]),
        ),
        max_size=8,
    )
)
def test_as_many_rows_as_goals_in_their_order(goals: list[Goal]) -> None:
    rows = judge(goals, EVALUATION)
    assert [(r["metric"], r["label"], r["goal"]) for r in rows] == [
        (g.metric, g.label, g.goal) for g in goals
    ]
    assert not any(r["met"] and r["estimate"] is None for r in rows)


@pytest.mark.parametrize("metric", ["volume_error", "auroc_mass"])
def test_a_metric_without_a_better_side_has_no_goal(metric: str) -> None:
    with pytest.raises(ValueError, match=f"found '{metric}', expected one of auroc"):
        Goal(metric, None, 1.0)
