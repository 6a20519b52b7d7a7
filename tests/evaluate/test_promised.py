"""Thresholds that keep what their rule says on later patients, by simulation with a fixed seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from overread.evaluate.promised import optimism, threshold
from overread.evaluate.rules import parsed


def _drawn(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    truth = np.repeat([True, False], n)
    return generator.normal(size=2 * n) + 1.5 * truth, truth


def _true(limit: float) -> tuple[float, float]:
    """Sensitivity and specificity of a threshold over all patients."""
    return float(norm.sf(limit - 1.5)), float(norm.cdf(limit))


@pytest.mark.parametrize("n", [20, 40, 100])
def test_a_sensitivity_is_kept_on_average(n: int) -> None:
    generator = np.random.default_rng(n)
    found = [_true(threshold(*_drawn(generator, n), parsed("sensitivity>=0.95"))[0])[0] for _ in range(400)]
    assert 0.945 <= np.mean(found) <= 0.98


def test_a_specificity_is_kept_on_average() -> None:
    generator = np.random.default_rng(1)
    found = [_true(threshold(*_drawn(generator, 50), parsed("specificity>=0.9"))[0])[1] for _ in range(400)]
    assert 0.895 <= np.mean(found) <= 0.93


@pytest.mark.parametrize("n", [45, 120])
def test_a_sensitivity_with_confidence_is_kept_so_often(n: int) -> None:
    generator = np.random.default_rng(n)
    rule = parsed("sensitivity>=0.95 with 90%")
    kept = [_true(threshold(*_drawn(generator, n), rule)[0])[0] >= 0.95 for _ in range(500)]
    assert 0.87 <= np.mean(kept) <= 0.97


def test_images_of_few_patients_promise_what_the_patients_do() -> None:
    """Ten images a patient that are all alike: the apparent rank of images would keep it far less often."""
    generator = np.random.default_rng(0)
    rule = parsed("sensitivity>=0.9 with 90%")
    kept = []
    for _ in range(300):
        score, truth = _drawn(generator, 30)
        limit, note = threshold(
            np.repeat(score, 10), np.repeat(truth, 10), rule, cluster=np.repeat(np.arange(60), 10)
        )
        kept.append(_true(limit)[0] >= 0.9 and not note)
    assert 0.86 <= np.mean(kept) <= 1
    _, note = threshold(
        np.repeat(score[:40], 10), np.repeat(truth[:40], 10), rule, cluster=np.repeat(np.arange(40), 10) // 4
    )
    assert "cannot promise the rule, expected 22 or more" in note


def test_too_few_patients_say_so_and_leave_all_on_the_right_side() -> None:
    score, truth = _drawn(np.random.default_rng(0), 12)
    limit, note = threshold(score, truth, parsed("sensitivity>=0.95 with 90%"))
    assert "12 tuning patients cannot promise the rule, expected 45 or more" in note
    assert (score[truth] >= limit).all() and limit <= score[truth].min()


def test_youden_varies_less_than_that_of_the_cases_themselves() -> None:
    from overread.stats.roc import operating_point

    generator = np.random.default_rng(2)
    smooth, plain = [], []
    for _ in range(60):
        score, truth = _drawn(generator, 20)
        smooth.append(threshold(score, truth, parsed("youden"))[0])
        plain.append(operating_point(truth, score).threshold)
    assert np.std(smooth) < 0.9 * np.std(plain)
    assert np.mean(smooth) == pytest.approx(0.75, abs=0.15)


@pytest.mark.parametrize("text", ["sensitivity>=0.9", "youden"])
def test_a_patient_drawn_twice_counts_as_two(text: str) -> None:
    """With one image a patient, naming the patients changes nothing."""
    rng = np.random.default_rng(4)
    truth = np.arange(60) % 3 == 0
    score = norm.cdf(rng.normal(truth * 1.2, 1))
    rule = parsed(text)
    alone = optimism(score, truth, rule)
    assert optimism(score, truth, rule, cluster=np.arange(60)) == pytest.approx(alone)
