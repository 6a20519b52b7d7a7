"""The Dice of one mask from agreement: covered as said, and worth nothing where agreement tells nothing."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate.predicted_dice import columns, measures, quality_of, referral_measures
from overread.runtime.answer import PredictedDice
from overread.runtime.quality import estimate


def _cases(generator: np.random.Generator, n: int) -> tuple[list[dict[str, float]], np.ndarray]:
    """Worse masks are less sure and vary more; the views agree whatever the Dice."""
    dice = np.clip(1 - generator.gamma(2, 0.08, n), 0, 1)
    agreed = np.clip(0.3 + 0.65 * dice + generator.normal(0, 0.02 + 0.1 * (1 - dice)), 0, 1)
    return [{"probabilities": a, "views": v} for a, v in zip(agreed, generator.random(n), strict=True)], dice


def test_intervals_cover_later_cases_as_said() -> None:
    generator = np.random.default_rng(0)
    held, stated = [], []
    for _ in range(60):
        quality, out, why = quality_of(*_cases(generator, 40), None)
        assert (
            quality is not None and not why and quality.source == "probabilities" and np.isfinite(out).all()
        )
        stated.append(quality.coverage)
        for agreed, dice in zip(*_cases(generator, 40), strict=True):
            q = estimate(quality, agreed)
            held.append(q.low <= dice <= q.high)
    assert np.mean(stated) >= 0.9 and np.mean(held) == pytest.approx(np.mean(stated), abs=0.02)


def test_intervals_are_narrow_where_the_networks_agree() -> None:
    quality, _, _ = quality_of(*_cases(np.random.default_rng(0), 200), None)
    assert quality is not None
    good, poor = (estimate(quality, {"probabilities": a}) for a in (0.93, 0.6))
    assert poor.value < good.value - 0.2 and good.high - good.low < 0.7 * (poor.high - poor.low)


def test_agreement_that_tells_nothing_predicts_the_mean() -> None:
    generator = np.random.default_rng(1)
    dice = generator.uniform(0.6, 0.9, 30)
    quality, _, _ = quality_of([{"views": float(-d)} for d in dice], dice, None)
    assert quality is not None and quality.slope == 0 and quality.intercept == pytest.approx(dice.mean())


def test_few_patients_predict_nothing() -> None:
    agreed, dice = _cases(np.random.default_rng(0), 24)
    quality, out, why = quality_of(agreed, dice, np.arange(24) // 3)
    assert quality is None and np.isnan(out).all() and why == "it was found in 8 tuning patients, expected 9"
    assert "says nothing" in quality_of([{}] * 12, np.ones(12), None)[2]


def test_a_false_finding_has_a_dice_of_nothing() -> None:
    given = PredictedDice(0.8, 0.7, 0.9, 0.9, "views")
    assert columns(given, None, "liver") == {"expected_dice_liver": 0.8, "expected_inside_liver": 0}
    assert columns(given, 0.75, "liver")["expected_inside_liver"] == 1 and columns(None, 0.5, "liver") == {}


def test_rows_give_error_coverage_and_what_a_rule_left() -> None:
    given = PredictedDice(0.8, 0.7, 0.9, 0.9, "views")
    rows = [
        {"dice_l": d, "refer_l": int(i == 0)} | columns(g, d, "l")
        for i, (g, d) in enumerate([(given, 0.75), (given, 0.5), (given, None), (given, 0.85), (None, 0.0)])
    ]
    error, covered = (m.compute() for m in measures(rows, "l", None))
    assert error.estimate == pytest.approx((0.05 + 0.3 + 0.8 + 0.05) / 4) and error.n == 4
    assert (covered.estimate, covered.n) == (0.5, 4)
    left, wrong = (m.compute() for m in referral_measures(rows, "l", 0.7, None))
    assert (left.estimate, left.n, wrong.estimate, wrong.n) == (0.25, 4, pytest.approx(2 / 3), 3)
