"""Numbers out of rows."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate.rows import notes_of, numbers, of_kind, part_of, ranks, score_quantiles
from overread.runtime.answer import Classes, Findings


def test_what_a_row_does_not_state_is_nan() -> None:
    table = numbers([{"a": 1, "b": None}, {"a": 0.1}], ["a", "b"])
    assert table[:, 0].tolist() == [1, 0.1] and np.isnan(table[:, 1]).all()
    assert numbers([], ["a", "b"]).shape == (0, 2)


def test_cases_are_ranked_by_log_odds_where_every_row_has_them() -> None:
    rows = [{"log_odds_a": 40.0}, {"log_odds_a": 50.0}]
    scores = np.ones((2, 1))
    assert ranks(rows, ["a"], scores).ravel().tolist() == [40, 50]
    assert ranks([*rows[:1], {}], ["a"], scores) is scores


def test_quantiles_run_from_the_smallest_to_the_largest() -> None:
    found = score_quantiles(np.linspace(0, 1, 101)[:, None], ["a"])
    assert found["a"] == pytest.approx(np.linspace(0, 1, 21).tolist())


def test_only_reasons_are_noted() -> None:
    assert notes_of({"a": "", "b": ""}, {}) == {}
    assert notes_of({"a": "x", "b": ""}, {"a": "y"}) == {"notes": {"a": ["x", "y"]}}


def test_part_of_no_clusters_is_none() -> None:
    assert part_of(None, np.ones(2, bool)) is None
    assert part_of(np.array(["p", "q"]), np.array([False, True])).tolist() == ["q"]  # type: ignore[union-attr]


def test_an_answer_of_another_kind_is_an_error() -> None:
    answer = Classes({"a": 1.0}, "a")
    assert of_kind(answer, Classes) is answer
    with pytest.raises(TypeError, match="found an answer of Classes, expected Findings"):
        of_kind(answer, Findings)
