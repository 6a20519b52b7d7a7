from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, bootstrap, norm

from overread.stats.intervals import bootstrap_ci, mean_ci, proportion_ci


@given(n=st.integers(1, 2000), data=st.data(), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_proportion_agrees_with_scipy(n: int, data: st.DataObject, confidence: float) -> None:
    x = data.draw(st.integers(0, n))
    for method in ("wilson", "exact"):
        ours = proportion_ci(x, n, method, confidence)
        theirs = binomtest(x, n).proportion_ci(confidence, method)
        assert ours.low == pytest.approx(theirs.low, abs=1e-9)
        assert ours.high == pytest.approx(theirs.high, abs=1e-9)
        assert 0 <= ours.low <= ours.estimate <= ours.high <= 1
        assert (ours.estimate, ours.n, ours.confidence) == (x / n, n, confidence)


def test_proportion_of_none_and_all() -> None:
    assert proportion_ci(0, 10).low == 0 and proportion_ci(10, 10).high == 1
    # Clopper-Pearson for 0 of n has the closed form 1 - (alpha / 2)^(1 / n).
    assert proportion_ci(0, 10, "exact").high == pytest.approx(1 - 0.025**0.1)


def test_wilson_covers_95_percent() -> None:
    """Exact coverage, averaged over true proportions, at the sample sizes of small test sets."""
    for n in (20, 50, 200):
        limits = [proportion_ci(x, n) for x in range(n + 1)]
        low, high = np.array([i.low for i in limits]), np.array([i.high for i in limits])
        truths = np.linspace(0.05, 0.95, 181)
        coverage = [binom.pmf(np.arange(n + 1), n, p)[(low <= p) & (p <= high)].sum() for p in truths]
        assert 0.94 < np.mean(coverage) < 0.965
        exact = [proportion_ci(x, n, "exact") for x in range(n + 1)]
        low, high = np.array([i.low for i in exact]), np.array([i.high for i in exact])
        coverage = [binom.pmf(np.arange(n + 1), n, p)[(low <= p) & (p <= high)].sum() for p in truths]
        assert np.min(coverage) >= 0.95


@pytest.mark.parametrize(("x", "n"), [(0, 0), (3, 2), (-1, 5), (1.5, 5), (1, -1)])
def test_impossible_counts(x: float, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        proportion_ci(x, n)  # type: ignore[arg-type]


def test_unknown_method_and_confidence() -> None:
    with pytest.raises(ValueError, match="wilson"):
        proportion_ci(1, 2, "wald")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="confidence"):
        proportion_ci(1, 2, confidence=95)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_mean_agrees_with_scipy(method: str) -> None:
    values = np.random.default_rng(3).beta(8, 2, 60)
    ours = mean_ci(values, method=method, resamples=20_000)  # type: ignore[arg-type]
    scipy_method = {"percentile": "percentile", "bca": "BCa"}[method]
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, method=scipy_method, rng=1).confidence_interval
    assert ours.estimate == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.002)
    assert ours.high == pytest.approx(theirs.high, abs=0.002)
    assert ours.n == 60


def test_mean_covers_95_percent() -> None:
    generator = np.random.default_rng(0)
    hits = 0
    for repeat in range(600):
        found = mean_ci(generator.beta(8, 2, 50), resamples=600, seed=repeat)
        hits += found.low <= 0.8 <= found.high
    assert 0.92 <= hits / 600 <= 0.97


def test_clusters_widen_the_interval_as_they_should() -> None:
    """Ten copies of each case carry no more information than one: the limits must not shrink."""
    values = np.random.default_rng(1).normal(size=40)
    one = mean_ci(values, seed=5)
    ten = mean_ci(np.repeat(values, 10), cluster=np.repeat(np.arange(40), 10), seed=5)
    naive = mean_ci(np.repeat(values, 10))
    assert (ten.low, ten.high) == pytest.approx((one.low, one.high))
    assert ten.n == 40
    assert naive.high - naive.low < 0.5 * (ten.high - ten.low)


def test_cluster_names_may_be_text_and_in_any_order() -> None:
    values = np.array([0.1, 0.9, 0.5, 0.7])
    a = mean_ci(values, cluster=["p2", "p1", "p2", "p3"])
    b = mean_ci(values, cluster=[1, 0, 1, 2])
    assert a == b and a.n == 3


def test_same_seed_same_limits() -> None:
    values = np.random.default_rng(2).random(30)
    assert mean_ci(values, seed=4) == mean_ci(values, seed=4)
    assert mean_ci(values, seed=4).low != mean_ci(values, seed=5).low


def test_mean_of_one_case() -> None:
    with pytest.raises(ValueError, match="one case"):
        mean_ci([0.8])
    found = mean_ci([0.8], bounds=(0, 1))
    assert (found.estimate, found.low, found.high, found.n) == (0.8, 0, 1, 1)


def test_mean_of_equal_values() -> None:
    found = mean_ci([0.5, 0.5, 0.5])
    assert (found.low, found.high) == (0.5, 0.5) and "equal" in found.method


@pytest.mark.parametrize(
    ("values", "match"),
    [([], "empty"), ([1.0, np.nan], "NaN"), ([1.0, np.inf], "infinite"), ([[1.0], [2.0]], r"\(2, 1\)")],
)
def test_mean_of_what_has_none(values: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        mean_ci(values)


def test_cluster_of_wrong_length_or_nan() -> None:
    with pytest.raises(ValueError, match="cluster has 2 rows, expected 3"):
        mean_ci([1, 2, 3], cluster=[1, 2])
    with pytest.raises(ValueError, match="NaN"):
        mean_ci([1, 2, 3], cluster=[1, 2, np.nan])


def test_bootstrap_of_any_statistic_matches_the_mean() -> None:
    values = np.random.default_rng(7).normal(2, 1, 200)
    for method in ("percentile", "bca"):
        found = bootstrap_ci(np.mean, values, method=method, resamples=1000)  # type: ignore[arg-type]
        half = norm.ppf(0.975) * values.std(ddof=1) / np.sqrt(200)
        assert found.low == pytest.approx(values.mean() - half, abs=0.03)
        assert found.high == pytest.approx(values.mean() + half, abs=0.03)


def test_bootstrap_of_two_arrays_keeps_rows_together() -> None:
    x = np.arange(30.0)
    found = bootstrap_ci(lambda a, b: np.corrcoef(a, b)[0, 1], (x, 2 * x + 1), resamples=50)
    assert found.low == pytest.approx(1) and found.high == pytest.approx(1)


def test_bootstrap_strata_keep_every_class() -> None:
    y = np.array([1] + [0] * 30)

    def share(labels: np.ndarray) -> float:
        return labels.mean() if labels.any() else np.nan

    with pytest.raises(ValueError, match="strata"):
        bootstrap_ci(share, y)
    found = bootstrap_ci(share, y, strata=y)
    assert found.low == found.high == y.mean()


def test_bootstrap_of_whole_clusters() -> None:
    cluster = np.repeat(np.arange(10), 3)
    found = bootstrap_ci(lambda c: float(np.all(np.bincount(c)[np.unique(c)] % 3 == 0)), cluster, cluster)
    assert found.low == 1 and found.n == 10
    with pytest.raises(ValueError, match="two strata"):
        bootstrap_ci(np.mean, np.arange(30.0), cluster, strata=np.arange(30))


def test_bootstrap_needs_units() -> None:
    with pytest.raises(ValueError, match="n = 0"):
        bootstrap_ci(np.mean, [])
    with pytest.raises(ValueError, match="one unit"):
        bootstrap_ci(np.mean, [1.0, 2.0], cluster=[0, 0])
