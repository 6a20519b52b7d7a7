"""Mirrored views where training mirrors and time allows."""

from __future__ import annotations

import pytest

from overread.learn.planner.views import choose_views


@pytest.mark.parametrize(
    ("flip", "answer", "case", "views"),
    [
        ([0, 1], "label_map", 0.1, ["flip0", "flip1", "flip0+flip1"]),
        ([1], "label_map", 0.1, ["flip1"]),
        ([0, 1], "label_map", 1.1, []),
        ([], "label_map", 0.1, []),
        ([0, 1], "objects", 0.1, []),
    ],
)
def test_choice(flip, answer, case, views) -> None:
    """Twenty cases in four views may take 60 s of 600: 0.75 s each."""
    found, why = choose_views(flip, answer=answer, answered=20, case=case, left=600)
    assert found == views and bool(why) is (bool(flip) and answer == "label_map")
