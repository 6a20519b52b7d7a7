"""The mean area over findings against scikit-learn, with cases that say nothing left out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from overread.evaluate.areas import mean_area


def _findings(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = (generator.random((n, 3)) < [0.5, 0.2, 0.1]).astype(float)
    score = np.round(generator.normal(size=(n, 3)) + truth, 1)
    truth[generator.random((n, 3)) < 0.25] = np.nan
    return truth, score


def test_it_is_the_mean_of_scikit_learns_areas() -> None:
    truth, score = _findings()
    known = np.isfinite(truth)
    each = [roc_auc_score(truth[k, j], score[k, j]) for j, k in enumerate(known.T)]
    found = mean_area(truth, score)
    assert found.estimate == pytest.approx(np.mean(each), abs=1e-12)
    assert found.low < found.estimate < found.high and found.n == 120


def test_scores_of_what_is_not_stated_change_nothing() -> None:
    truth, score = _findings()
    other = np.where(np.isnan(truth), 99.0, score)
    assert mean_area(truth, other) == mean_area(truth, score)


def test_the_interval_covers() -> None:
    """Three findings of area 0.76, correlated within the case."""
    hits = 0
    for seed in range(150):
        generator = np.random.default_rng(seed)
        truth = (generator.random((100, 3)) < 0.4).astype(float)
        score = generator.normal(size=(100, 3)) + generator.normal(size=(100, 1)) + np.sqrt(2) * truth
        truth[generator.random((100, 3)) < 0.2] = np.nan
        found = mean_area(truth, score)
        hits += found.low <= 0.7602 <= found.high
    assert hits >= 133  # 95% of 150, less three standard errors


def test_a_finding_of_one_kind_is_an_error() -> None:
    truth, score = _findings()
    truth[:, 1] = 0
    with pytest.raises(ValueError, match="finding 1 has 0 positive"):
        mean_area(truth, score)
    with pytest.raises(ValueError, match="no finding"):
        mean_area(truth[:, :0], score[:, :0])
