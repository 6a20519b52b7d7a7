"""Intervals of the test: per patient where patients repeat, and never without width for lack of variation."""

from __future__ import annotations

import numpy as np
import pytest

from overread.pipeline.evaluate import Evaluation, classification_metrics, mean_of, pooled_share, rate
from overread.stats.intervals import proportion_ci


def test_rates_rest_on_patients_where_they_have_several_images() -> None:
    rng = np.random.default_rng(0)
    skill = rng.random(20)
    cluster = np.repeat(np.arange(20), 30)
    right = rng.random(600) < np.repeat(skill, 30)
    alone, grouped = rate(right, None), rate(right, cluster)
    assert alone.estimate == pytest.approx(grouped.estimate)
    assert (grouped.high - grouped.low) > 2 * (alone.high - alone.low)
    assert grouped.n == 20


def test_a_rate_of_one_keeps_a_width() -> None:
    cluster = np.repeat(np.arange(8), 5)
    found = rate(np.ones(40, bool), cluster)
    assert (found.low, found.high) == (proportion_ci(8, 8).low, 1.0)
    assert rate(np.zeros(5, bool), None).high > 0.3


def test_a_mean_dice_of_nothing_keeps_a_width() -> None:
    assert mean_of(np.zeros(6), None, (0.0, 1.0)).high == proportion_ci(0, 6).high
    assert mean_of(np.full(6, 0.4) + np.arange(6) / 100, None, (0.0, 1.0)).low < 0.43


def test_a_precision_without_a_single_finding_is_not_computed() -> None:
    with pytest.raises(ValueError, match="no lesion"):
        pooled_share(np.zeros(6, int), np.zeros(6, int), None)


def test_two_of_two_lesions_are_not_certainty() -> None:
    found = pooled_share(np.array([1, 1, 0, 0]), np.array([1, 1, 0, 0]), None)
    assert (found.estimate, found.high) == (1.0, 1.0) and found.low == proportion_ci(2, 2).low < 0.5


def test_pooled_share_is_of_lesions_not_of_cases() -> None:
    found = pooled_share(np.array([9, 0, 5]), np.array([10, 2, 8]), None)
    assert found.estimate == pytest.approx(14 / 20) and found.low < 0.7 < found.high


def test_one_class_only_gives_reasons_and_no_traceback() -> None:
    out = Evaluation()
    y = np.zeros(9, int)
    p = np.linspace(0.1, 0.9, 9)
    classification_metrics(out, y, np.stack([1 - p, p], 1), (p > 0.5).astype(int), ["a", "b"], "b", None)
    assert "specificity" in out.metrics and {"auroc", "sensitivity"} <= set(out.not_computed)
