from __future__ import annotations

from overread.pipeline.protocol_changes import changes


def test_changes_are_named_by_their_place() -> None:
    before = {"endpoints": [{"metric": "dice", "goal": 0.8}], "subgroups": ["sex"], "seed": 1}
    now = {
        "endpoints": [{"metric": "dice", "goal": 0.2}, {"metric": "hd95", "goal": 5}],
        "subgroups": [],
        "seed": 1,
    }
    assert changes(before, now) == [
        "endpoints.0.goal: 0.8, now 0.2",
        "endpoints.1.metric: not stated, now 'hd95'",
        "endpoints.1.goal: not stated, now 5",
        "subgroups: not stated, now []",
        "subgroups.0: 'sex', now not stated",
    ]


def test_equal_protocols_differ_in_nothing() -> None:
    same = {"a": [1, {"b": None}], "c": {}}
    assert changes(same, {"c": {}, "a": [1, {"b": None}]}) == []
