"""The largest gap between groups, from their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from overread.stats.fairness import largest_gap
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, proportion_ci, proportion_difference_ci


def test_two_groups_of_shares_have_newcombes_limits() -> None:
    """MOVER of two Wilson intervals is Newcombe's method 10."""
    found = largest_gap({"a": proportion_ci(45, 50), "b": proportion_ci(30, 48)})
    wanted = proportion_difference_ci(45, 50, 30, 48, method="newcombe")
    assert (found.gap.estimate, found.gap.low, found.gap.high) == pytest.approx(
        (wanted.estimate, wanted.low, wanted.high)
    )
    assert (found.highest, found.lowest, found.worst_group, found.comparisons) == ("a", "b", "b", 1)


def test_all_differences_are_covered_together() -> None:
    generator = np.random.default_rng(0)
    true = {"a": 0.9, "b": 0.85, "c": 0.7, "d": 0.7}
    held = worst = 0
    for _ in range(800):
        groups = {k: proportion_ci(generator.binomial(60, p), 60) for k, p in true.items()}
        found = largest_gap(groups)
        held += found.gap.low <= 0.2 <= found.gap.high
        w = found.worst
        worst += w.low <= true[found.worst_group] <= w.high
    assert held / 800 >= 0.95 and worst / 800 >= 0.95


def test_alike_groups_have_a_gap_that_may_be_none() -> None:
    generator = np.random.default_rng(1)
    zero = 0
    for _ in range(200):
        groups = {k: mean_ci(generator.normal(5, 1, 30), resamples=300) for k in "abc"}
        zero += largest_gap(groups).gap.low == 0
    assert zero / 200 >= 0.93


def test_what_is_worst_depends_on_the_measure() -> None:
    groups = {"a": Interval(2.0, 1.0, 3.0), "b": Interval(5.0, 4.0, 7.0)}
    assert largest_gap(groups, lower_is_better=True).worst_group == "b"
    with pytest.raises(ValueError, match="two or more"):
        largest_gap({"a": groups["a"]})


def test_no_limit_lies_beyond_the_measure() -> None:
    groups = {"a": Interval(0.9, 0.2, 1.0), "z": Interval(0.1, 0.0, 0.9)}
    groups |= {k: Interval(0.5, 0.2, 0.8) for k in "bcde"}
    found = largest_gap(groups, bounds=(0, 1))
    assert found.gap.high == 1 and found.worst.low == 0
    assert found.worst.high <= 1 and largest_gap(groups).gap.high > 1
