"""Risk and coverage: by hand, by invariants, and that a bound holds as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.selective import aurc, risk_coverage, risk_p_value, selective_gain


def test_by_hand_with_ties() -> None:
    curve = risk_coverage([0, 1, 0, 1], [0.9, 0.8, 0.8, 0.3])
    np.testing.assert_allclose(curve.coverage, [0.25, 0.75, 1.0])
    np.testing.assert_allclose(curve.risk, [0, 1 / 3, 0.5])
    np.testing.assert_allclose(curve.threshold, [0.9, 0.8, 0.3])
    assert aurc([0, 1, 0, 1], [0.9, 0.8, 0.8, 0.3]).estimate == pytest.approx((0 + 1 / 3 + 1 / 3 + 0.5) / 4)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30))
def test_the_end_of_the_curve_is_the_share_wrong(cases: list[tuple[bool, int]]) -> None:
    wrong, sure = np.array([w for w, _ in cases], int), np.array([s for _, s in cases], float)
    curve = risk_coverage(wrong, sure)
    assert curve.coverage[-1] == 1 and curve.risk[-1] == pytest.approx(wrong.mean())
    for coverage, risk, threshold in zip(curve.coverage, curve.risk, curve.threshold, strict=True):
        kept = sure >= threshold
        assert coverage == pytest.approx(kept.mean()) and risk == pytest.approx(wrong[kept].mean())


def test_a_confidence_that_knows_beats_one_that_does_not() -> None:
    generator = np.random.default_rng(0)
    p = generator.uniform(0.5, 1, 2000)
    wrong = (generator.random(2000) > p).astype(int)
    knows, guesses = aurc(wrong, p), aurc(wrong, generator.random(2000))
    assert knows.high < guesses.low and guesses.low < wrong.mean() < guesses.high
    gain = selective_gain(wrong, p)
    # The surer half is right with probability 0.875 on average, all with 0.75.
    assert gain.low < 0.125 < gain.high
    nothing = selective_gain(wrong, generator.random(2000))
    assert nothing.low < 0 < nothing.high
    assert selective_gain(wrong, p, cluster=np.arange(2000) // 10).n == 200


@pytest.mark.parametrize("repeated", [1, 3])
def test_an_unsafe_risk_is_called_safe_no_oftener_than_stated(repeated: int) -> None:
    generator, rejected = np.random.default_rng(1), 0
    for _ in range(2000):
        losses = (generator.random((60, repeated)) < 0.1).mean(axis=1)
        rejected += risk_p_value(losses, risk=0.1) <= 0.1
    assert rejected / 2000 <= 0.1 + 0.02


def test_a_safe_risk_is_found_safe() -> None:
    assert risk_p_value(np.zeros(59), risk=0.05) < 0.05 < risk_p_value(np.zeros(58), risk=0.05)
    assert risk_p_value(np.full(400, 0.01), risk=0.1) < 0.01
    assert risk_p_value(np.full(10, 0.5), risk=0.1) == 1


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="wrong is empty"):
        risk_coverage([], [])
    with pytest.raises(ValueError, match="coverage is 1"):
        selective_gain([0, 1], [0.1, 0.2], coverage=1)
    for losses, risk in (([], 0.1), ([2.0], 0.1), ([0.0], 0.0)):
        with pytest.raises(ValueError, match=r"losses must|risk is|empty"):
            risk_p_value(losses, risk=risk)
