from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.stats.diagnostic import (
    balanced_accuracy,
    diagnostic_accuracy,
    multiclass_table,
    multilabel_table,
)

pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40)


@settings(max_examples=50)
@given(pairs)
def test_classes_agree_with_scikit_learn(drawn: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, predicted = np.array(drawn).T
    found = multiclass_table(truth, predicted, classes=3, resamples=20)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, predicted, labels=range(3), zero_division=0
    )
    for c, row in enumerate(found.classes):
        assert row.n == support[c]
        assert (row.sensitivity.estimate if row.sensitivity else 0) == pytest.approx(recall[c])
        assert (row.ppv.estimate if row.ppv else 0) == pytest.approx(precision[c])
        assert (row.f1.estimate if row.f1 else 0) == pytest.approx(f1[c])
    present = np.unique(np.concatenate([truth, predicted]))
    for kind in ("macro", "weighted"):
        p, r, f, _ = metrics.precision_recall_fscore_support(
            truth, predicted, labels=present, average=kind, zero_division=0
        )
        mean = getattr(found, kind)
        assert (mean.ppv.estimate, mean.f1.estimate) == pytest.approx((p, f))
        if set(truth) == set(present):
            assert mean.sensitivity.estimate == pytest.approx(r)
        assert mean.specificity is None or mean.specificity.estimate <= 1
    accuracy = float((truth == predicted).mean())
    for same in (
        found.accuracy,
        found.micro.sensitivity,
        found.micro.ppv,
        found.micro.f1,
        found.weighted.sensitivity,
    ):
        assert same.estimate == pytest.approx(accuracy)


def test_two_classes_are_the_2x2_table() -> None:
    truth = np.repeat([1, 0, 1, 0], [30, 8, 5, 57])
    predicted = np.repeat([1, 1, 0, 0], [30, 8, 5, 57])
    table, two = multiclass_table(truth, predicted).classes[1], diagnostic_accuracy(30, 8, 5, 57)
    assert (table.sensitivity, table.specificity, table.ppv, table.npv) == (
        two.sensitivity,
        two.specificity,
        two.ppv,
        two.npv,
    )


def test_averages_agree_with_balanced_accuracy_and_with_single_clusters() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 4, 300)
    predicted = np.where(generator.random(300) < 0.7, truth, generator.integers(0, 4, 300))
    found = multiclass_table(truth, predicted, labels=["a", "b", "c", "d"])
    assert found.macro.sensitivity == balanced_accuracy(truth, predicted)
    assert [row.label for row in found.classes] == ["a", "b", "c", "d"]
    alone = multiclass_table(truth, predicted, cluster=np.arange(300))
    assert (alone.macro.f1.low, alone.macro.f1.high) == pytest.approx(
        (found.macro.f1.low, found.macro.f1.high), abs=0.02
    )
    copied = multiclass_table(
        np.repeat(truth, 3), np.repeat(predicted, 3), cluster=np.repeat(np.arange(300), 3)
    )
    assert (copied.macro.f1.low, copied.macro.f1.high, copied.macro.f1.n) == pytest.approx(
        (alone.macro.f1.low, alone.macro.f1.high, 300)
    )


def test_a_class_never_predicted_counts() -> None:
    found = multiclass_table([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 1])
    assert found.classes[2].ppv is None and found.classes[2].f1 is not None
    assert found.macro.ppv.estimate == pytest.approx((1 + 0.5 + 0) / 3)


def test_f1_covers_95_percent_of_one_class_and_of_the_mean() -> None:
    generator = np.random.default_rng(1)
    chances = np.array([[0.30, 0.05, 0.05], [0.06, 0.20, 0.04], [0.02, 0.08, 0.20]])
    tp, real, called = np.diag(chances), chances.sum(1), chances.sum(0)
    truth = 2 * tp / (real + called)
    one = mean = 0
    for cells in generator.multinomial(200, chances.ravel(), 400):
        rows = np.repeat(np.arange(9), cells)
        found = multiclass_table(rows // 3, rows % 3, classes=3, resamples=500)
        single = found.classes[1].f1
        assert single is not None
        one += single.low <= truth[1] <= single.high
        mean += found.macro.f1.low <= truth.mean() <= found.macro.f1.high
    assert 0.92 <= one / 400 <= 0.975 and 0.92 <= mean / 400 <= 0.975


findings = st.integers(2, 12).flatmap(
    lambda n: st.tuples(
        *[
            st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=n, max_size=n)
            for _ in range(2)
        ]
    )
)


@settings(max_examples=40)
@given(findings)
def test_labels_agree_with_scikit_learn(drawn: tuple[list, list]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, predicted = (np.array(one) for one in drawn)
    if not truth.any():
        with pytest.raises(ValueError, match="no positive"):
            multilabel_table(truth, predicted)
        return
    try:
        found = multilabel_table(truth, predicted, resamples=30)
    except ValueError as error:  # so few positives that most resamples lose them all
        assert "resamples lose" in str(error)
        return
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, predicted, zero_division=0)
    for c, row in enumerate(found.labels):
        assert (row.sensitivity.estimate if row.sensitivity else 0) == pytest.approx(recall[c])
        assert (row.ppv.estimate if row.ppv else 0) == pytest.approx(precision[c])
        assert (row.f1.estimate if row.f1 else 0) == pytest.approx(f1[c])
    assert found.exact_match.estimate == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert found.hamming_loss.estimate == pytest.approx(metrics.hamming_loss(truth, predicted))
    p, r, f, _ = metrics.precision_recall_fscore_support(truth, predicted, average="micro", zero_division=0)
    assert (found.micro.sensitivity.estimate, found.micro.f1.estimate) == pytest.approx((r, f))
    if predicted.any():
        assert found.micro.ppv.estimate == pytest.approx(p)


def test_labels_in_clusters() -> None:
    generator = np.random.default_rng(2)
    truth = (generator.random((60, 3)) < 0.4).astype(int)
    predicted = np.where(generator.random((60, 3)) < 0.8, truth, 1 - truth)
    once = multilabel_table(truth, predicted, labels=["mass", "nodule", "effusion"], cluster=np.arange(60))
    copied = multilabel_table(
        np.repeat(truth, 4, axis=0), np.repeat(predicted, 4, axis=0), cluster=np.repeat(np.arange(60), 4)
    )
    assert (copied.macro.f1.low, copied.macro.f1.high) == pytest.approx(
        (once.macro.f1.low, once.macro.f1.high)
    )
    assert once.labels[2].label == "effusion" and copied.exact_match.n == 60


@pytest.mark.parametrize(
    ("truth", "predicted", "match"),
    [
        ([[0, 1], [1, np.nan]], [[0, 1], [1, 0]], "NaN"),
        ([[0, 1], [1, -1]], [[0, 1], [1, 0]], "other than 0 and 1"),
        ([0, 1], [0, 1], r"\(2,\)"),
        ([[0, 1], [1, 0]], [[0], [1]], "shape"),
        ([[0, 1]], [[0, 1]], "one case"),
    ],
)
def test_bad_labels(truth: list, predicted: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        multilabel_table(truth, predicted)


@pytest.mark.parametrize(
    ("truth", "predicted", "match"),
    [
        ([[0], [1]], [0, 1], r"\(2, 1\)"),
        ([0, np.nan], [0, 1], "NaN"),
        ([0], [0], "one case"),
        ([0, 1], [0], "1 rows"),
    ],
)
def test_bad_classes(truth: list, predicted: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        multiclass_table(truth, predicted)
    if match != "one case":
        return
    with pytest.raises(ValueError, match="labels names 1"):
        multiclass_table([0, 1], [0, 1], labels=["a"])
