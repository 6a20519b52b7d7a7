"""Several classes, precision and recall, log loss, partial areas compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.stats.calibration import log_loss
from overread.stats.roc import (
    auc,
    average_precision,
    hand_till,
    partial_auc,
    partial_auc_test,
    precision_recall_curve,
)

metrics = pytest.importorskip("sklearn.metrics")


def drawn(seed: int, n: int = 120, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y = generator.integers(0, k, n)
    p = generator.dirichlet(np.ones(k), n)
    p[np.arange(n), y] += 0.5
    return y, np.round(p / p.sum(axis=1, keepdims=True), 3)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(3, 5))
def test_hand_till_agrees_with_scikit_learn(seed: int, k: int) -> None:
    y, p = drawn(seed, k=k)
    p = p / p.sum(axis=1, keepdims=True)
    theirs = metrics.roc_auc_score(y, p, multi_class="ovo", average="macro")
    assert hand_till(y, p).estimate == pytest.approx(theirs)


def test_two_classes_are_the_ordinary_area() -> None:
    y, p = drawn(1, k=2)
    found, plain = hand_till(y, p), auc(y, p[:, 1])
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (plain.estimate, plain.low, plain.high), rel=1e-6
    )


def test_hand_till_covers() -> None:
    y, p = drawn(2, n=200_00)
    truth = hand_till(y, p).estimate
    generator = np.random.default_rng(3)
    draws = [generator.integers(0, len(y), 80) for _ in range(300)]
    found = [hand_till(y[d], p[d]) for d in draws]
    assert 0.92 <= np.mean([f.low <= truth <= f.high for f in found]) <= 0.98


def test_a_class_without_a_case_is_refused() -> None:
    with pytest.raises(ValueError, match="no case of class 2"):
        hand_till([0, 1, 0, 1], np.full((4, 3), 1 / 3))


@settings(max_examples=20)
@given(st.integers(0, 1000), st.booleans())
def test_average_precision_agrees_with_scikit_learn(seed: int, ties: bool) -> None:
    y, p = drawn(seed, n=60, k=2)
    s = p[:, 1].round(1) if ties else p[:, 1]
    found = average_precision(y, s, resamples=60)
    assert found.estimate == pytest.approx(metrics.average_precision_score(y, s))
    assert found.low <= found.estimate <= found.high


def test_curve_agrees_with_scikit_learn() -> None:
    y, p = drawn(5, k=2)
    found = precision_recall_curve(y, p[:, 1])
    precision, recall, thresholds = metrics.precision_recall_curve(y, p[:, 1], drop_intermediate=False)
    assert found.thresholds[::-1] == pytest.approx(thresholds)
    assert found.precision[::-1] == pytest.approx(precision[:-1])
    assert found.recall[::-1] == pytest.approx(recall[:-1])


def test_perfect_separation_says_that_no_resample_differs() -> None:
    found = average_precision([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert found.estimate == 1 and "no resample differs" in found.method


def test_log_loss_agrees_with_scikit_learn() -> None:
    y, p = drawn(6)
    p = p / p.sum(axis=1, keepdims=True)
    assert log_loss(y, p).estimate == pytest.approx(metrics.log_loss(y, p))
    assert log_loss(y == 1, p[:, 1]).estimate == pytest.approx(metrics.log_loss(y == 1, p[:, 1]))


def test_a_probability_of_zero_counts_as_the_floor() -> None:
    found = log_loss([1, 0, 1], [0.0, 0.0, 1.0], floor=1e-6)
    assert found.estimate == pytest.approx(-np.log(1e-6) / 3)


def test_partial_areas_compared() -> None:
    generator = np.random.default_rng(7)
    y = generator.random(300) < 0.4
    good, poor = generator.normal(size=300) + 2 * y, generator.normal(size=300) + 0.2 * y
    found = partial_auc_test(y, good, poor, fpr=0.2, resamples=500)
    assert found.first.estimate == pytest.approx(partial_auc(y, good, fpr=0.2).estimate)
    assert found.p_value < 1e-6 and found.difference.low > 0
    other = partial_auc_test(y, poor, good, fpr=0.2, resamples=500)
    assert other.statistic == pytest.approx(-found.statistic)
    with pytest.raises(ValueError, match="no resample differs"):
        partial_auc_test(y, good, good, fpr=0.2, resamples=20)


def test_equal_partial_areas_are_rejected_at_the_level() -> None:
    generator = np.random.default_rng(8)
    rejected = 0
    for _ in range(200):
        y = generator.random(120) < 0.5
        shared = generator.normal(size=120) + y
        one, two = (shared + 0.7 * generator.normal(size=120) for _ in range(2))
        rejected += partial_auc_test(y, one, two, specificity=0.7, resamples=200).p_value < 0.05
    assert rejected / 200 <= 0.1
