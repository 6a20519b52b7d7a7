from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.stats.diagnostic import matthews_correlation


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=40))
def test_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, predicted = np.array(pairs).T
    if np.bincount(truth).max() > len(truth) - 2:
        return
    found = matthews_correlation(truth, predicted, resamples=50)
    assert found.estimate == pytest.approx(metrics.matthews_corrcoef(truth, predicted), abs=1e-12)
    assert -1 <= found.low <= found.high <= 1


def test_always_the_same_answer_is_no_correlation() -> None:
    found = matthews_correlation([0, 1, 0, 1, 1], [1, 1, 1, 1, 1])
    assert (found.estimate, found.low, found.high) == (0, 0, 0)


def test_whole_patients_are_drawn() -> None:
    generator = np.random.default_rng(0)
    truth = np.repeat(generator.integers(0, 2, 30), 4)
    predicted = np.where(np.repeat(generator.random(30), 4) < 0.75, truth, 1 - truth)
    alone = matthews_correlation(truth, predicted)
    patients = matthews_correlation(truth, predicted, cluster=np.arange(120) // 4)
    assert patients.high - patients.low > 1.5 * (alone.high - alone.low) and patients.n == 30


def test_one_true_class_has_none() -> None:
    with pytest.raises(ValueError, match="only class 1"):
        matthews_correlation([1, 1, 1], [1, 0, 1])
