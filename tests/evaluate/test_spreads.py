"""What the tuning patients decide: spreads that cover what they say, scores that mean what they did."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from overread.pipeline.calibrate import FEWEST_CASES, score_bins, spread_of, volume_error


@pytest.mark.parametrize("n", [9, 10, 15, 19, 40, 100])
def test_a_spread_covers_a_further_case_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(n)
    hits, stated = 0, 0.0
    for _ in range(4000):
        draws = rng.lognormal(size=n + 1)
        spread = spread_of(draws[:-1])
        assert spread is not None
        hits += spread.low <= draws[-1] <= spread.high
        stated = spread.coverage
    assert stated == pytest.approx(0.8 if n == 9 else min(0.9, (n - 1) / (n + 1)), abs=0.031)
    assert hits / 4000 == pytest.approx(stated, abs=0.02)


def test_too_few_cases_give_no_spread() -> None:
    assert spread_of(np.arange(FEWEST_CASES - 1.0)) is None


def test_volumes_of_nothing_count() -> None:
    pairs = np.array(
        [[2.0, 2.2], [4, 4], [1, 1.1], [0, 1.0], [3, 0], [2, 2], [5, 5.5], [6, 6], [1, 1], [0, 0]]
    )
    spread = volume_error(pairs)
    assert spread is not None and spread.cases == 10 and spread.offset > 0
    assert spread.low == pytest.approx(spread.offset / (3 + spread.offset))
    assert spread.high == pytest.approx((1 + spread.offset) / spread.offset)


def test_scores_are_judged_class_by_class() -> None:
    """An over-confident positive class must not be hidden by the other class's mirror image."""
    rng = np.random.default_rng(0)
    p = rng.random(4000)
    truth = rng.random(4000) < p**3
    for part in score_bins(p, truth):
        middle = (part.low + part.high) / 2
        if 0.3 < middle < 0.8:
            assert part.observed_high < middle
            assert part.observed_low - 0.05 < middle**3 < part.observed_high + 0.05


def test_bins_cover_every_score_once() -> None:
    parts = score_bins(np.random.default_rng(1).random(300), np.arange(300) % 2 == 0)
    assert parts[0].low == 0 and parts[-1].high == 1 and sum(p.cases for p in parts) == 300
    assert all(a.high == b.low for a, b in itertools.pairwise(parts))
