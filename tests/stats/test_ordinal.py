from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.stats.diagnostic import ordinal_auc, ordinal_mae, quadratic_kappa
from overread.stats.roc import auc

grades = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=2, max_size=40)


def concordance(y: np.ndarray, score: np.ndarray) -> float:
    """Every pair of different grade, one by one."""
    higher = y[:, None] > y[None, :]
    won = (score[:, None] > score[None, :]) + 0.5 * (score[:, None] == score[None, :])
    return float(won[higher].mean())


@settings(max_examples=50)
@given(grades)
def test_ordinal_auc_counts_pairs(pairs: list[tuple[int, int]]) -> None:
    y, score = np.array(pairs).T
    if len(np.unique(y)) < 2:
        with pytest.raises(ValueError, match="only grade"):
            ordinal_auc(y, score)
        return
    found = ordinal_auc(y, score)
    assert found.estimate == pytest.approx(concordance(y, score))
    assert 0 <= found.low <= found.estimate + 1e-12 and found.estimate <= found.high + 1e-12 <= 1 + 2e-12
    assert found.high > found.low


def test_ordinal_auc_agrees_with_somers() -> None:
    """Somers' D of the score given the grade is twice the area less 1 (scipy.stats.somersd)."""
    scipy_stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(0)
    y = generator.integers(0, 4, 200)
    score = y + generator.integers(-2, 3, 200)
    assert ordinal_auc(y, score).estimate == pytest.approx((scipy_stats.somersd(y, score).statistic + 1) / 2)


def test_of_two_grades_it_is_the_auc() -> None:
    generator = np.random.default_rng(1)
    y = generator.integers(0, 2, 300)
    score = y + generator.normal(size=300)
    ours, theirs = ordinal_auc(y, score), auc(y, score)
    assert ours.estimate == pytest.approx(theirs.estimate)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=3e-3)


def test_perfect_order_keeps_a_width() -> None:
    found = ordinal_auc([0, 0, 1, 1, 2, 2], [1, 2, 3, 4, 5, 6])
    assert found.estimate == found.high == 1 and 0.4 < found.low < 0.8


def test_copies_in_clusters_add_nothing() -> None:
    generator = np.random.default_rng(2)
    y = generator.integers(0, 4, 80)
    score = y + generator.normal(size=80) * 2
    once = ordinal_auc(y, score, cluster=np.arange(80))
    copied = ordinal_auc(np.repeat(y, 6), np.repeat(score, 6), cluster=np.repeat(np.arange(80), 6))
    assert (copied.low, copied.high, copied.n) == pytest.approx((once.low, once.high, 80))


def test_ordinal_auc_covers_95_percent() -> None:
    """80 cases, four grades of unequal frequency; also 40 patients with three images of one grade each."""
    generator = np.random.default_rng(3)
    y = generator.choice(4, 400_000, p=[0.4, 0.3, 0.2, 0.1])
    truth = ordinal_auc(y, y + generator.normal(size=400_000) * 1.5).estimate
    hits = clustered = 0
    for _ in range(800):
        y = generator.choice(4, 80, p=[0.4, 0.3, 0.2, 0.1])
        found = ordinal_auc(y, y + generator.normal(size=80) * 1.5)
        hits += found.low <= truth <= found.high
        y = np.repeat(generator.choice(4, 40, p=[0.4, 0.3, 0.2, 0.1]), 3)
        noise = np.repeat(generator.normal(size=40), 3) * np.sqrt(0.7) + generator.normal(size=120) * np.sqrt(
            0.3
        )
        found = ordinal_auc(y, y + 1.5 * noise, cluster=np.repeat(np.arange(40), 3))
        clustered += found.low <= truth <= found.high
    assert 0.93 <= hits / 800 <= 0.97 and 0.92 <= clustered / 800 <= 0.97


@settings(max_examples=40)
@given(grades)
def test_grades_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, predicted = np.array(pairs).T
    if len(np.unique(np.concatenate([truth, predicted]))) > 1:
        theirs = metrics.cohen_kappa_score(truth, predicted, weights="quadratic", labels=range(6))
        assert quadratic_kappa(truth, predicted, classes=6).estimate == pytest.approx(theirs, abs=1e-9)
    mae = ordinal_mae(truth, predicted, classes=6, resamples=50)
    assert mae.estimate == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert 0 <= mae.low <= mae.high <= 5


def test_no_error_at_all_keeps_a_width() -> None:
    found = ordinal_mae([0, 1, 2, 3], [0, 1, 2, 3])
    assert found.estimate == found.low == 0 < found.high


@pytest.mark.parametrize(
    ("truth", "predicted", "match"),
    [
        ([0, 1], [0, np.nan], "NaN"),
        ([[0], [1]], [0, 1], r"\(2, 1\)"),
        ([], [], "empty"),
        ([0, 1], [0], "1 rows"),
        ([0.5, 1], [0, 1], "class indices"),
    ],
)
def test_bad_grades(truth: list, predicted: list, match: str) -> None:
    for function in (quadratic_kappa, ordinal_mae, ordinal_auc):
        with pytest.raises(ValueError, match=match):
            function(truth, predicted)


def test_grades_outside_the_scale() -> None:
    with pytest.raises(ValueError, match="expected 0 to 3"):
        ordinal_mae([0, 1], [0, 4.5], classes=4)
    with pytest.raises(ValueError, match="class 4"):
        quadratic_kappa([0, 4], [0, 1], classes=4)
    with pytest.raises(ValueError, match="one cluster"):
        ordinal_auc([0, 1], [0, 1], cluster=[1, 1])
