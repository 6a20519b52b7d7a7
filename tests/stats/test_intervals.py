from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, binomtest, bootstrap, norm

from overread.stats.intervals import (
    bootstrap_ci,
    bootstrap_weighted_ci,
    mean_ci,
    proportion_ci,
    rate_ci,
    ratio_ci,
)


@given(n=st.integers(1, 2000), data=st.data(), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_proportion_agrees_with_scipy(n: int, data: st.DataObject, confidence: float) -> None:
    x = data.draw(st.integers(0, n))
    for method in ("wilson", "exact"):
        ours = proportion_ci(x, n, method=method, confidence=confidence)
        theirs = binomtest(x, n).proportion_ci(confidence, method)
        assert ours.low == pytest.approx(theirs.low, abs=1e-9)
        assert ours.high == pytest.approx(theirs.high, abs=1e-9)
        assert 0 <= ours.low <= ours.estimate <= ours.high <= 1
        assert (ours.estimate, ours.n, ours.confidence) == (x / n, n, confidence)


def test_proportion_of_none_and_all() -> None:
    assert proportion_ci(0, 10).low == 0 and proportion_ci(10, 10).high == 1
    # Clopper-Pearson for 0 of n has the closed form 1 - (alpha / 2)^(1 / n).
    assert proportion_ci(0, 10, method="exact").high == pytest.approx(1 - 0.025**0.1)


def test_published_jeffreys_interval() -> None:
    """Scott et al. 2008 as worked in the R package epiR (epi.tests, method jeffreys): 670 of 744."""
    found = proportion_ci(670, 744, method="jeffreys")
    expected = [0.900537634409, 0.877479778598, 0.920487317478]
    assert [found.estimate, found.low, found.high] == pytest.approx(expected, rel=1e-9)


def test_jeffreys_at_none_and_all() -> None:
    """Brown, Cai and DasGupta 2001: the near limit is the bound, the far one stays the quantile of alpha / 2."""
    none, every = proportion_ci(0, 20, method="jeffreys"), proportion_ci(20, 20, method="jeffreys")
    assert (none.low, none.high) == (0, pytest.approx(beta.ppf(0.975, 0.5, 20.5)))
    assert (every.low, every.high) == (pytest.approx(beta.ppf(0.025, 20.5, 0.5)), 1)


@given(n=st.integers(1, 500), data=st.data())
def test_proportion_agrees_with_statsmodels(n: int, data: st.DataObject) -> None:
    statsmodels = pytest.importorskip("statsmodels.stats.proportion")
    x = data.draw(st.integers(0, n))
    for ours, theirs in (("agresti-coull", "agresti_coull"), ("jeffreys", "jeffreys"), ("wilson", "wilson")):
        found = proportion_ci(x, n, method=ours)  # type: ignore[arg-type]
        low, high = statsmodels.proportion_confint(x, n, method=theirs)
        if 0 < x < n:
            assert (found.low, found.high) == pytest.approx((max(0, low), min(1, high)), abs=1e-9)


def test_jeffreys_and_agresti_coull_cover_95_percent() -> None:
    """Averaged over true proportions, exactly."""
    for method in ("jeffreys", "agresti-coull"):
        for n in (20, 50, 200):
            limits = [proportion_ci(x, n, method=method) for x in range(n + 1)]  # type: ignore[arg-type]
            low, high = np.array([i.low for i in limits]), np.array([i.high for i in limits])
            truths = np.linspace(0.05, 0.95, 181)
            coverage = [binom.pmf(np.arange(n + 1), n, p)[(low <= p) & (p <= high)].sum() for p in truths]
            assert 0.94 < np.mean(coverage) < 0.97


def test_wilson_covers_95_percent() -> None:
    """Exact coverage, averaged over true proportions, at the sample sizes of small test sets."""
    for n in (20, 50, 200):
        limits = [proportion_ci(x, n) for x in range(n + 1)]
        low, high = np.array([i.low for i in limits]), np.array([i.high for i in limits])
        truths = np.linspace(0.05, 0.95, 181)
        coverage = [binom.pmf(np.arange(n + 1), n, p)[(low <= p) & (p <= high)].sum() for p in truths]
        assert 0.94 < np.mean(coverage) < 0.965
        exact = [proportion_ci(x, n, method="exact") for x in range(n + 1)]
        low, high = np.array([i.low for i in exact]), np.array([i.high for i in exact])
        coverage = [binom.pmf(np.arange(n + 1), n, p)[(low <= p) & (p <= high)].sum() for p in truths]
        assert np.min(coverage) >= 0.95


@pytest.mark.parametrize(("x", "n"), [(0, 0), (3, 2), (-1, 5), (1.5, 5), (1, -1)])
def test_impossible_counts(x: float, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        proportion_ci(x, n)  # type: ignore[arg-type]


def test_unknown_method_and_confidence() -> None:
    with pytest.raises(ValueError, match="wilson"):
        proportion_ci(1, 2, method="normal")  # type: ignore[arg-type]
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
    a = mean_ci(values, cluster=["p2", "p1", "p2", "p3"], bounds=(0, 1))
    b = mean_ci(values, cluster=[1, 0, 1, 2], bounds=(0, 1))
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


def test_mean_of_equal_values_within_bounds_keeps_a_width() -> None:
    none, every = mean_ci(np.zeros(6), bounds=(0, 1)), mean_ci(np.ones(6), bounds=(0, 1))
    assert (none.low, none.high) == (0, pytest.approx(proportion_ci(0, 6).high))
    assert (every.low, every.high) == (pytest.approx(proportion_ci(6, 6).low), 1)
    middle = mean_ci([0.7] * 40, bounds=(0, 1))
    assert 0 < middle.low < 0.7 < middle.high < 1
    grouped = mean_ci(np.zeros(40), cluster=np.repeat(np.arange(8), 5), bounds=(0, 1))
    assert grouped.high == pytest.approx(proportion_ci(0, 8).high) and grouped.n == 8
    with pytest.raises(ValueError, match="expected 0 to 1"):
        mean_ci([0.5, 1.5], bounds=(0, 1))


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
    found = bootstrap_ci(
        lambda c: float(np.all(np.bincount(c)[np.unique(c)] % 3 == 0)), cluster, cluster=cluster
    )
    assert found.low == 1 and found.n == 10
    with pytest.raises(ValueError, match="two strata"):
        bootstrap_ci(np.mean, np.arange(30.0), cluster=cluster, strata=np.arange(30))


def test_bootstrap_needs_units() -> None:
    with pytest.raises(ValueError, match="n = 0"):
        bootstrap_ci(np.mean, [])
    with pytest.raises(ValueError, match="one unit"):
        bootstrap_ci(np.mean, [1.0, 2.0], cluster=[0, 0])


def test_bootstrap_is_bca_unless_told_otherwise() -> None:
    values = np.random.default_rng(3).lognormal(size=40)
    assert bootstrap_ci(np.mean, values, resamples=300) == bootstrap_ci(
        np.mean, values, cluster=None, strata=None, method="bca", confidence=0.95, resamples=300
    )


def test_many_units_are_left_out_in_groups() -> None:
    """The acceleration of 3,000 skewed units, from 1,000 groups, is that of the mean's own BCa."""
    values = np.random.default_rng(4).exponential(size=3000)
    grouped = bootstrap_weighted_ci(lambda w: w @ values / w.sum(axis=1), 3000, seed=2)
    single = mean_ci(values, seed=2)
    assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high), abs=0.004)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_weights_give_what_rows_give(method: str) -> None:
    """The same draws, as weights and as repeated rows, with clusters and strata."""
    generator = np.random.default_rng(5)
    x, cluster = generator.normal(size=90), np.repeat(np.arange(30), 3)
    strata = cluster % 2
    options = {"cluster": cluster, "strata": strata, "method": method, "resamples": 300, "seed": 3}
    rows = bootstrap_ci(np.mean, x, **options)  # type: ignore[arg-type]
    weights = bootstrap_weighted_ci(lambda w: w @ x / w.sum(axis=1), 90, **options)  # type: ignore[arg-type]
    assert (rows.estimate, rows.low, rows.high) == pytest.approx(
        (weights.estimate, weights.low, weights.high)
    )
    assert weights.n == 30


def test_weighted_statistic_that_loses_a_class() -> None:
    y = np.array([1.0] + [0.0] * 30)

    def odds(w: np.ndarray) -> np.ndarray:
        ones = w @ y
        return np.where(ones > 0, (w @ (1 - y)) / np.maximum(ones, 1), np.nan)

    with pytest.raises(ValueError, match="strata"):
        bootstrap_weighted_ci(odds, 31)
    assert bootstrap_weighted_ci(odds, 31, undefined="drop", method="percentile").estimate == 30
    with pytest.raises(ValueError, match="undefined"):
        bootstrap_weighted_ci(odds, 31, undefined="keep")  # type: ignore[arg-type]


def test_bca_covers_95_percent_where_percentile_falls_short() -> None:
    """The ratio of means of skewed values, 40 cases."""
    generator = np.random.default_rng(6)
    hits = {"bca": 0, "percentile": 0}
    for repeat in range(500):
        x, y = generator.exponential(size=(2, 40))
        for method in hits:
            found = bootstrap_weighted_ci(
                lambda w, x=x, y=y: (w @ x) / (w @ y), 40, method=method, resamples=500, seed=repeat
            )
            hits[method] += found.low <= 1 <= found.high
    assert 0.92 <= hits["bca"] / 500 <= 0.97


def test_rate_without_clusters_is_the_proportion() -> None:
    y = np.array([1, 1, 0, 1, 0])
    assert rate_ci(y) == proportion_ci(3, 5) == rate_ci(y, cluster=[4, 3, 2, 1, 0])
    assert rate_ci(y, method="exact") == proportion_ci(3, 5, method="exact")


def test_rate_of_copied_rows_is_worth_its_clusters() -> None:
    y = np.random.default_rng(7).random(50) < 0.7
    copied = rate_ci(np.repeat(y, 8), cluster=np.repeat(np.arange(50), 8))
    alone = proportion_ci(int(y.sum()), 50)
    assert copied.n == 50
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.06)


def test_rate_of_one_cluster_and_of_none() -> None:
    one = rate_ci([1, 0, 1], cluster=[7, 7, 7])
    assert (one.low, one.high, one.n) == (0, 1, 1)
    assert rate_ci(np.ones(40), cluster=np.repeat(np.arange(8), 5)) == proportion_ci(8, 8)
    with pytest.raises(ValueError, match="NaN"):
        rate_ci([1, np.nan])
    with pytest.raises(ValueError, match=r"\(2, 1\)"):
        rate_ci([[1], [0]])


@pytest.mark.parametrize(("units", "rate"), [(20, 0.8), (60, 0.9)])
def test_clustered_rate_covers_95_percent(units: int, rate: float) -> None:
    """Beta-binomial patients with 1 to 8 images each and an intraclass correlation of .3."""
    generator = np.random.default_rng(8)
    hits = 0
    for _ in range(1500):
        sizes = generator.integers(1, 9, units)
        skill = generator.beta(rate * 7 / 3, (1 - rate) * 7 / 3, units)
        cluster = np.repeat(np.arange(units), sizes)
        found = rate_ci(generator.random(len(cluster)) < skill[cluster], cluster=cluster)
        hits += found.low <= rate <= found.high
    assert 0.93 <= hits / 1500 <= 0.97


def test_ratio_is_pooled_over_cases() -> None:
    found = ratio_ci([9, 0, 5], [10, 2, 8])
    assert found.estimate == pytest.approx(14 / 20) and found.low < 0.7 < found.high
    part, whole = np.random.default_rng(9).binomial(6, 0.6, 80), np.full(80, 6)
    both = [ratio_ci(part, whole, method=m) for m in ("percentile", "bca")]  # type: ignore[arg-type]
    mean = mean_ci(part / 6)
    for one in both:
        assert (one.low, one.high) == pytest.approx((mean.low, mean.high), abs=0.01)


def test_ratio_of_none_and_all_keeps_a_width() -> None:
    found = ratio_ci([1, 1, 0, 0], [1, 1, 0, 0])
    assert (found.estimate, found.low, found.high) == (1, proportion_ci(2, 2).low, 1)
    assert ratio_ci([0, 0], [3, 4]).high == proportion_ci(0, 2).high
    assert ratio_ci([0, 0, 0], [3, 4, 5], cluster=[1, 1, 2]).n == 2
    assert ratio_ci([1], [3]).high == 1


@pytest.mark.parametrize(
    ("numerator", "denominator", "match"),
    [
        ([0, 0], [0, 0], "nothing to take a share of"),
        ([3], [2], "between 0 and denominator"),
        ([np.nan], [1], "NaN"),
        ([1, 2], [3], "1 rows"),
    ],
)
def test_ratio_of_what_has_none(numerator: list, denominator: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ratio_ci(numerator, denominator)


@pytest.mark.parametrize(
    ("x", "n", "wilson", "exact", "corrected"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676), (0.2535, 0.3682)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617), (0.0598, 0.1644)),
        (0, 20, (0, 0.1611), (0, 0.1684), (0, 0.2005)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776), (0.0018, 0.1963)),
    ],
)
def test_published_proportions(x: int, n: int, wilson: tuple, exact: tuple, corrected: tuple) -> None:
    """Newcombe, Stat Med 1998;17:857, table I, methods 3, 5 and 4."""
    for method, limits in (("wilson", wilson), ("exact", exact), ("wilson-corrected", corrected)):
        found = proportion_ci(x, n, method=method)  # type: ignore[arg-type]
        assert (found.low, found.high) == pytest.approx(limits, abs=6e-5), method


@given(n=st.integers(1, 500), data=st.data())
def test_corrected_and_wald_agree_with_libraries(n: int, data: st.DataObject) -> None:
    statsmodels = pytest.importorskip("statsmodels.stats.proportion")
    x = data.draw(st.integers(0, n))
    corrected, wald = proportion_ci(x, n, method="wilson-corrected"), proportion_ci(x, n, method="wald")
    theirs = binomtest(x, n).proportion_ci(0.95, "wilsoncc")
    assert (corrected.low, corrected.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    limits = np.clip(statsmodels.proportion_confint(x, n, method="normal"), 0, 1)
    assert (wald.low, wald.high) == pytest.approx(limits, abs=1e-9)


def test_published_jeffreys_table() -> None:
    """Brown, Cai and DasGupta 2001, table 5, n = 7."""
    for x, limits in enumerate([(0, 0.292), (0.016, 0.501), (0.065, 0.648), (0.139, 0.766)]):
        found = proportion_ci(x, 7, method="jeffreys")
        assert (found.low, found.high) == pytest.approx(limits, abs=6e-4)


def test_bootstrap_takes_a_tuple_of_numbers() -> None:
    assert bootstrap_ci(np.mean, (1, 2, 3, 4), resamples=200) == bootstrap_ci(
        np.mean, [1, 2, 3, 4], resamples=200
    )


def test_clusters_as_they_come() -> None:
    """Names of patients as text or objects; one that is missing is never a patient of its own."""
    y = [1, 0, 1, 1, 0, 1]
    plain = rate_ci(y, cluster=[1, 1, 2, 2, 3, 4])
    assert rate_ci(y, cluster=["a", "a", "b", "b", "c", "d"]) == plain
    assert rate_ci(y, cluster=np.array([1, 1, 2, 2, 3, "x"], dtype=object)) == plain
    for missing in (None, np.nan):
        with pytest.raises(ValueError, match="1 missing"):
            rate_ci(y, cluster=["a", "a", "b", "b", "c", missing])
        with pytest.raises(ValueError, match="1 missing"):
            rate_ci(y, cluster=[1, 1, 2, 2, 3, missing])


@pytest.mark.parametrize("values", [["a", "b"], [[1], [1, 2]], [object(), 1]])
def test_what_is_no_number(values: list) -> None:
    with pytest.raises(ValueError, match="values holds text, missing values or rows of uneven length"):
        mean_ci(values)
