"""Distance from the training's features: against scikit-learn, and what is far is far."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from overread.runtime.uncertainty.distance import distances, fit_distance, shrunk_covariance


@pytest.mark.parametrize("n", [8, 40, 400])
def test_shrinkage_is_scikit_learns(n: int) -> None:
    x = np.random.default_rng(n).normal(size=(n, 20)) @ np.random.default_rng(1).normal(size=(20, 20))
    np.testing.assert_allclose(shrunk_covariance(x), LedoitWolf().fit(x).covariance_, rtol=1e-6, atol=1e-6)


def test_mahalanobis_is_scikit_learns_over_the_root_of_the_length() -> None:
    x = np.random.default_rng(0).normal(2, 3, (100, 10))
    new = np.random.default_rng(1).normal(0, 9, (5, 10))
    expected = np.sqrt(LedoitWolf().fit(x).mahalanobis(new) / 10)
    found = distances(new, fit_distance(x, "mahalanobis"), "mahalanobis")
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("method", ["mahalanobis", "nearest"])
def test_another_kind_lies_farther(method: str) -> None:
    generator = np.random.default_rng(0)
    train, same = generator.normal(1, 0.4, (2, 80, 16))
    far = generator.normal(1, 0.4, (80, 16)) * np.array([-1, 3] * 8)
    arrays = fit_distance(train, method)  # type: ignore[arg-type]
    ours, theirs = (distances(f, arrays, method) for f in (same, far))  # type: ignore[arg-type]
    assert np.quantile(theirs, 0.1) > np.quantile(ours, 0.9)


def test_a_feature_that_never_varies_and_one_case() -> None:
    x = np.zeros((5, 3))
    assert np.isfinite(distances(x + 1, fit_distance(x, "mahalanobis"), "mahalanobis")).all()
    assert np.isfinite(distances(x, fit_distance(x[:1], "nearest"), "nearest")).all()
