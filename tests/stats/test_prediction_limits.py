from __future__ import annotations

import numpy as np
import pytest

from overread.stats.intervals import prediction_limits, ratio_prediction_limits


@pytest.mark.parametrize("n", [9, 10, 15, 19, 40, 100])
def test_limits_cover_a_further_case_as_often_as_they_say(n: int) -> None:
    generator = np.random.default_rng(n)
    hits, stated = 0, 0.0
    for _ in range(4000):
        draws = generator.lognormal(size=n + 1)
        found = prediction_limits(draws[:-1])
        hits += found.low <= draws[-1] <= found.high
        stated = found.coverage
    assert stated == pytest.approx(0.8 if n == 9 else min(0.9, (n - 1) / (n + 1)), abs=0.031)
    assert hits / 4000 == pytest.approx(stated, abs=0.02)


def test_volumes_of_nothing_count() -> None:
    found = [2.0, 4, 1, 0, 3, 2, 5, 6, 1, 0]
    true = [2.2, 4, 1.1, 1.0, 0, 2, 5.5, 6, 1, 0]
    limits = ratio_prediction_limits(found, true)
    assert limits.n == 10 and limits.offset > 0
    assert limits.low == pytest.approx(limits.offset / (3 + limits.offset))
    assert limits.high == pytest.approx((1 + limits.offset) / limits.offset)


def test_what_has_no_limits() -> None:
    for values, match in (
        ([1.0], "one value"),
        ([], "empty"),
        ([1, np.nan], "NaN"),
        ([[1], [2]], r"\(2, 1\)"),
    ):
        with pytest.raises(ValueError, match=match):
            prediction_limits(values)
    with pytest.raises(ValueError, match="coverage"):
        prediction_limits([1, 2, 3], coverage=90)
    with pytest.raises(ValueError, match="0 in every case"):
        ratio_prediction_limits([1, 2], [0, 0])
    with pytest.raises(ValueError, match="0 or more"):
        ratio_prediction_limits([1, -2], [1, 1])
