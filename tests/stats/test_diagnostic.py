from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.diagnostic import (
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    diagnostic_accuracy,
    diagnostic_accuracy_from_labels,
)
from overread.stats.interval import Interval
from overread.stats.intervals import bootstrap_ci, proportion_ci

# G01: Scott et al. 2008, worked in the R package epiR: 670 + 202 + 74 + 640 patients.
G01 = {
    "exact": {
        "sensitivity": [0.900537634409, 0.876746176796, 0.921092299584],
        "specificity": [0.760095011877, 0.729776463204, 0.788580324575],
        "ppv": [0.768348623853, 0.73889262738, 0.795978429165],
        "npv": [0.896358543417, 0.87163928629, 0.917740174663],
        "youden": [0.660632646286, 0.606522639999, 0.709672624159],
    },
    "wilson": {
        "sensitivity": [0.900537634409, 0.876931912504, 0.920028449843],
        "specificity": [0.760095011877, 0.73011176253, 0.787715775282],
        "ppv": [0.768348623853, 0.739206505645, 0.795136776792],
        "npv": [0.896358543417, 0.871840063717, 0.916634874648],
        "positive_likelihood_ratio": [3.75372617907, 3.320688435508, 4.243234648805],
        "negative_likelihood_ratio": [0.130855174731, 0.105064323522, 0.162977080912],
        "diagnostic_odds_ratio": [28.686111854429, 21.518191656635, 38.241736408694],
    },
    "jeffreys": {"sensitivity": [0.900537634409, 0.877479778598, 0.920487317478]},
}


@pytest.mark.parametrize("method", ["exact", "wilson", "jeffreys"])
def test_published_table(method: str) -> None:
    found = diagnostic_accuracy(670, 202, 74, 640, method=method)  # type: ignore[arg-type]
    for name, numbers in G01[method].items():
        interval = getattr(found, name)
        assert [interval.estimate, interval.low, interval.high] == pytest.approx(numbers, rel=1e-6)


def test_shares_of_the_table() -> None:
    """epi.tests of the same data: apparent prevalence .55, true prevalence .47, needed to diagnose 1.51."""
    found = diagnostic_accuracy(670, 202, 74, 640, method="exact")
    assert found.apparent_prevalence.estimate == pytest.approx(872 / 1586)
    assert found.prevalence.estimate == pytest.approx(744 / 1586)
    needed = found.number_needed_to_diagnose
    assert [needed.estimate, needed.low, needed.high] == pytest.approx([1.51, 1.41, 1.65], abs=5e-3)
    useless = diagnostic_accuracy(5, 5, 5, 5).number_needed_to_diagnose
    assert np.isinf([useless.estimate, useless.high]).all() and useless.low > 1


def test_pivotal_trial() -> None:
    """G04: the raw table of IDx-DR, FDA De Novo DEN180001."""
    exact = diagnostic_accuracy(tp=173, fn=25, tn=556, fp=65, method="exact")
    wilson = diagnostic_accuracy(tp=173, fn=25, tn=556, fp=65)
    for interval, numbers in (
        (exact.sensitivity, [0.8737374, 0.8193, 0.9166]),
        (exact.specificity, [0.8953301, 0.8685, 0.9183]),
        (wilson.sensitivity, [0.8737374, 0.8203, 0.9130]),
        (wilson.specificity, [0.8953301, 0.8688, 0.9170]),
    ):
        assert [interval.estimate, interval.low, interval.high] == pytest.approx(numbers, abs=5e-5)
    assert exact.ppv and exact.ppv.estimate == pytest.approx(0.7268908, abs=5e-5)
    assert exact.npv and exact.npv.estimate == pytest.approx(0.9569707, abs=5e-5)
    imageable = proportion_ci(819, 852)  # 852 is inferred from the published share of 0.961
    assert (imageable.low, imageable.high) == pytest.approx((0.9461, 0.9723), abs=5e-5)


@given(st.lists(st.integers(0, 300), min_size=4, max_size=4))
def test_any_table(counts: list[int]) -> None:
    tp, fp, fn, tn = counts
    if tp + fn == 0 or fp + tn == 0:
        with pytest.raises(ValueError, match="at least one of each"):
            diagnostic_accuracy(tp, fp, fn, tn)
        return
    found = diagnostic_accuracy(tp, fp, fn, tn)
    for name, interval in vars(found).items():
        if interval is None:
            assert (name, tp + fp) == ("ppv", 0) or (name, fn + tn) == ("npv", 0)
            continue
        assert isinstance(interval, Interval)
        needed = name == "number_needed_to_diagnose"  # without bound where Youden's index may be 0
        assert np.isfinite([interval.low, interval.high]).all() or needed
        assert interval.low <= interval.estimate + 1e-12 and interval.estimate <= interval.high + 1e-12
    assert found.youden.low >= -1 and found.youden.high <= 1
    assert ("0.5 added" in found.diagnostic_odds_ratio.method) == (0 in counts)


def test_ratios_cover_95_percent() -> None:
    """80 positives and 120 negatives; likelihood and odds ratios, and Youden's index."""
    generator = np.random.default_rng(0)
    truth = {
        "positive_likelihood_ratio": 0.8 / 0.3,
        "negative_likelihood_ratio": 0.2 / 0.7,
        "diagnostic_odds_ratio": 0.8 * 0.7 / (0.2 * 0.3),
        "youden": 0.5,
    }
    hits = dict.fromkeys(truth, 0)
    for tp, fp in zip(generator.binomial(80, 0.8, 2000), generator.binomial(120, 0.3, 2000), strict=True):
        found = diagnostic_accuracy(tp, fp, 80 - tp, 120 - fp)
        for name in hits:
            interval = getattr(found, name)
            hits[name] += interval.low <= truth[name] <= interval.high
    assert all(0.93 <= count / 2000 <= 0.97 for count in hits.values()), hits


def test_labels_give_the_table() -> None:
    generator = np.random.default_rng(1)
    y, called = generator.integers(0, 2, 60), generator.integers(0, 2, 60)
    tn, fp, fn, tp = np.bincount(2 * y + called)
    plain = diagnostic_accuracy(int(tp), int(fp), int(fn), int(tn))
    assert (
        diagnostic_accuracy_from_labels(y, called)
        == plain
        == diagnostic_accuracy_from_labels(y, called, cluster=np.arange(60))
    )
    copied = diagnostic_accuracy_from_labels(
        np.repeat(y, 4), np.repeat(called, 4), cluster=np.repeat(np.arange(60), 4)
    )
    for name, one in vars(plain).items():
        other = getattr(copied, name)
        assert other.estimate == pytest.approx(one.estimate) and other.n <= 60
        if np.isfinite(one.high):
            assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.12), name


def test_patients_with_several_images_cover_95_percent() -> None:
    """40 patients of each class with 1 to 6 images that succeed or fail together."""
    generator = np.random.default_rng(2)
    truth = {"positive_likelihood_ratio": 0.8 / 0.25, "youden": 0.55, "sensitivity": 0.8}
    hits = dict.fromkeys(truth, 0)
    for _ in range(700):
        cluster = np.repeat(np.arange(80), generator.integers(1, 7, 80))
        y = (cluster < 40).astype(int)
        chance = np.where(np.arange(80) < 40, generator.beta(4, 1, 80), generator.beta(1, 3, 80))
        called = (generator.random(len(cluster)) < chance[cluster]).astype(int)
        found = diagnostic_accuracy_from_labels(y, called, cluster=cluster)
        for name in hits:
            interval = getattr(found, name)
            hits[name] += interval.low <= truth[name] <= interval.high
    assert all(0.93 <= count / 700 <= 0.97 for count in hits.values()), hits


def test_youden_is_newcombes_difference() -> None:
    """Newcombe 1998, method 10, example (a): 56/70 - 48/80 has limits 0.0524 to 0.3339."""
    found = diagnostic_accuracy(tp=56, fn=14, fp=48, tn=32).youden
    assert [found.estimate, found.low, found.high] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)


@pytest.mark.parametrize("counts", [(-1, 1, 1, 1), (1.5, 1, 1, 1)])
def test_impossible_counts(counts: tuple) -> None:
    with pytest.raises(ValueError, match="tp"):
        diagnostic_accuracy(*counts)


classes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50)


@given(classes)
def test_tables_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, predicted = np.array(pairs).T
    expected = metrics.confusion_matrix(truth, predicted, labels=range(4))
    np.testing.assert_array_equal(confusion_matrix(truth, predicted, classes=4), expected)
    assert accuracy(truth, predicted).estimate == pytest.approx(metrics.accuracy_score(truth, predicted))


@pytest.mark.filterwarnings("ignore")
@given(classes.filter(lambda pairs: len(pairs) > 1))
def test_balanced_accuracy_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, predicted = np.array(pairs).T
    found = balanced_accuracy(truth, predicted, resamples=50)
    assert found.estimate == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
    assert 0 <= found.low <= found.high <= 1


def test_balanced_accuracy_limits_agree_with_plain_resampling() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 3, 240)
    predicted = np.where(generator.random(240) < 0.7, truth, generator.integers(0, 3, 240))

    def recall(t: np.ndarray, p: np.ndarray) -> float:
        return float(np.mean([(p[t == k] == k).mean() for k in range(3)]))

    slow = bootstrap_ci(recall, (truth, predicted), strata=truth)
    fast = balanced_accuracy(truth, predicted)
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high), abs=0.01)
    alone = balanced_accuracy(truth, predicted, cluster=np.arange(240))
    assert (alone.low, alone.high) == pytest.approx((fast.low, fast.high), abs=0.02)


def test_balanced_accuracy_copies_in_clusters() -> None:
    generator = np.random.default_rng(1)
    truth, predicted = generator.integers(0, 2, 60), generator.integers(0, 2, 60)
    once = balanced_accuracy(truth, predicted, cluster=np.arange(60))
    copied = balanced_accuracy(
        np.repeat(truth, 5), np.repeat(predicted, 5), cluster=np.repeat(np.arange(60), 5)
    )
    assert (copied.low, copied.high, copied.n) == pytest.approx((once.low, once.high, 60))


@pytest.mark.parametrize(
    ("truth", "predicted", "match"),
    [
        ([], [], "empty"),
        ([[0], [1]], [0, 1], r"\(2, 1\)"),
        ([0, np.nan], [0, 1], "NaN"),
        ([0, -1], [0, 1], "class indices"),
        ([0, 1], [0], "1 rows, expected 2"),
    ],
)
def test_bad_input(truth: list, predicted: list, match: str) -> None:
    for function in (confusion_matrix, accuracy, balanced_accuracy):
        with pytest.raises(ValueError, match=match):
            function(truth, predicted)


def test_class_beyond_the_table() -> None:
    with pytest.raises(ValueError, match="class 3"):
        confusion_matrix([0, 3], [0, 1], classes=3)
