"""Spreads of volumes and counts that cover what they say."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate.spreads import FEWEST_PATIENTS, difference_spread, ratio_spread


@pytest.mark.parametrize("n", [9, 10, 15, 19, 40, 100])
def test_a_spread_covers_a_further_case_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(n)
    hits, stated = 0, 0.0
    for _ in range(4000):
        draws = rng.lognormal(size=n + 1)
        spread = difference_spread(draws[:-1])
        assert spread is not None
        hits += spread.low <= draws[-1] <= spread.high
        stated = spread.coverage
    assert stated == pytest.approx(0.8 if n == 9 else min(0.9, (n - 1) / (n + 1)), abs=0.031)
    assert hits / 4000 == pytest.approx(stated, abs=0.02)


def test_too_few_patients_give_no_spread() -> None:
    values = np.arange(10 * FEWEST_PATIENTS, dtype=float)
    patients = np.repeat(np.arange(FEWEST_PATIENTS), 10)
    assert difference_spread(values[: FEWEST_PATIENTS - 1]) is None
    assert difference_spread(values, cluster=np.minimum(patients, FEWEST_PATIENTS - 2)) is None
    assert ratio_spread(np.ones((90, 2)), cluster=np.minimum(patients, FEWEST_PATIENTS - 2)) is None
    spread = difference_spread(values, cluster=patients)
    assert spread is not None and spread.cases == FEWEST_PATIENTS


def test_volumes_of_nothing_count() -> None:
    pairs = np.array(
        [[2.0, 2.2], [4, 4], [1, 1.1], [0, 1.0], [3, 0], [2, 2], [5, 5.5], [6, 6], [1, 1], [0, 0]]
    )
    spread = ratio_spread(pairs)
    assert spread is not None and spread.cases == 10 and spread.offset > 0
    assert spread.low == pytest.approx(spread.offset / (3 + spread.offset))
    assert spread.high == pytest.approx((1 + spread.offset) / spread.offset)
    assert ratio_spread(pairs, cluster=np.arange(10)) == spread


def test_nothing_there_in_any_case_gives_no_ratio() -> None:
    assert ratio_spread(np.stack([np.ones(20), np.zeros(20)], axis=1)) is None
