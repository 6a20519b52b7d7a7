from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.stats.roc import auc, auc_macro, expand_ratings, hanley_mcneil, operating_point, roc_curve

scored = st.lists(
    st.tuples(st.booleans(), st.integers(-6, 6)), min_size=2, max_size=60
)  # few distinct scores: many ties


def _arrays(cases: list[tuple[bool, int]]) -> tuple[NDArray, NDArray]:
    y, s = np.array([c[0] for c in cases]), np.array([c[1] / 3 for c in cases])
    assume(y.any() and not y.all())
    return y, s


def _brute(y: NDArray, s: NDArray) -> tuple[float, float]:
    """Area and DeLong variance by comparing every pair."""
    x, z = s[y][:, None], s[~y][None, :]
    wins = (x > z) + 0.5 * (x == z)
    variance = sum(np.var(wins.mean(axis=a), ddof=1) / wins.shape[1 - a] for a in (0, 1))
    return float(wins.mean()), float(variance)


@given(scored)
def test_area_and_variance_agree_with_all_pairs(cases: list[tuple[bool, int]]) -> None:
    y, s = _arrays(cases)
    assume(2 <= y.sum() <= len(y) - 2)
    area, variance = _brute(y, s)
    found = auc(y, s, method="plain")
    assert found.estimate == pytest.approx(area, abs=1e-12)
    if found.method == "DeLong":
        half = 1.959963984540054 * np.sqrt(variance)
        assert found.low == pytest.approx(max(0, area - half), abs=1e-9)
        assert found.high == pytest.approx(min(1, area + half), abs=1e-9)


@given(scored, st.sampled_from(["logit", "plain"]))
def test_limits_are_sane_whatever_comes(cases: list[tuple[bool, int]], method: str) -> None:
    y, s = _arrays(cases)
    found = auc(y, s, method=method)  # type: ignore[arg-type]
    assert 0 <= found.low <= found.estimate + 1e-12 and found.estimate - 1e-12 <= found.high <= 1
    assert found.high - found.low > 0
    mirrored = auc(~y, s, method=method)  # type: ignore[arg-type]
    assert mirrored.estimate == pytest.approx(1 - found.estimate)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-6)


@given(scored)
def test_curve_agrees_with_scikit_learn(cases: list[tuple[bool, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    y, s = _arrays(cases)
    fpr, tpr, thresholds = metrics.roc_curve(y, s, drop_intermediate=False)
    curve = roc_curve(y, s)
    np.testing.assert_allclose(curve.false_positive_rate, fpr)
    np.testing.assert_allclose(curve.sensitivity, tpr)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    area = np.trapezoid(curve.sensitivity, curve.false_positive_rate)
    assert auc(y, s).estimate == pytest.approx(area) == pytest.approx(metrics.roc_auc_score(y, s))


def test_hanley_mcneil_ratings() -> None:
    """G09: Hanley and McNeil, Radiology 1982;143:29, 109 CT images on a 5-point scale."""
    y, s = expand_ratings([33, 6, 6, 11, 2], [3, 2, 2, 11, 33])
    found = auc(y, s)
    assert found.estimate == pytest.approx(0.8931710615, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((0.8164434572, 0.9401761949), rel=1e-6)
    plain = auc(y, s, method="delong")
    assert (plain.high - plain.low) / (2 * 1.959963984540054) == pytest.approx(0.0307244084, rel=1e-6)
    assert found.method == "DeLong, logit scale" and found.n == 109
    classic = hanley_mcneil(y, s)
    assert classic.auc.estimate == pytest.approx(0.8931710615, rel=1e-6)
    assert classic.standard_error == pytest.approx(0.0324865796, rel=1e-6)
    same = auc(y, s, method="hanley-mcneil")
    assert (same.low, same.high) == (classic.auc.low, classic.auc.high)
    assert hanley_mcneil(auc=0.85, n_pos=40, n_neg=40).standard_error == pytest.approx(0.0437374919, rel=1e-6)
    assert hanley_mcneil(auc=0.85, n_pos=60, n_neg=60).standard_error == pytest.approx(0.0356096875, rel=1e-6)
    printed = [classic.auc.estimate, classic.standard_error]
    printed += [hanley_mcneil(auc=0.85, n_pos=n, n_neg=n).standard_error for n in (40, 60)]
    assert printed == pytest.approx([0.893, 0.032, 0.0437, 0.0356], abs=5.1e-4)


def test_hanley_mcneil_takes_one_form() -> None:
    for arguments in ({"auc": 0.8}, {"y": [0, 1]}, {"auc": 0.8, "n_pos": 3, "n_neg": 3, "y": [0, 1]}):
        with pytest.raises(ValueError, match="expected either"):
            hanley_mcneil(**arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected 0 to 1"):
        hanley_mcneil(auc=1.2, n_pos=10, n_neg=10)
    with pytest.raises(ValueError, match=r"n_neg is 2\.5"):
        hanley_mcneil(auc=0.8, n_pos=10, n_neg=2.5)  # type: ignore[arg-type]
    assert 0 < hanley_mcneil(auc=1.0, n_pos=10, n_neg=10).auc.low < 1


@pytest.mark.parametrize(
    ("negatives", "positives", "match"),
    [([1, -1], [1, 1], "negative"), ([1, 0.5], [1, 1], "whole"), ([1, 2, 3], [1, 1], "2 categories")],
)
def test_rating_tables_hold_counts(negatives: list, positives: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        expand_ratings(negatives, positives)


def test_rating_values_may_be_given() -> None:
    y, s = expand_ratings([1, 2], [0, 1], ratings=[10, 30])
    assert y.tolist() == [0, 0, 0, 1] and s.tolist() == [10, 30, 30, 30]


@pytest.mark.parametrize("size", [1, 2, 10, 100_000])
def test_perfect_separation(size: int) -> None:
    y = np.arange(2 * size) >= size
    found = auc(y, y * 1.0)
    assert found.estimate == found.high == 1
    assert 0 < found.low < 1
    assert auc(~y, y * 1.0).high == pytest.approx(1 - found.low)


def test_perfect_separation_says_more_with_more_cases() -> None:
    lows = [auc(np.arange(2 * m) >= m, np.arange(2 * m)).low for m in (2, 5, 20, 100, 1000)]
    assert lows == sorted(lows) and lows[0] < 0.5 and lows[-1] > 0.99


def test_many_cases() -> None:
    """Counts of pairs overflow 32 bits beyond n = 92,682: the area must not, nor may memory hold every pair."""
    generator = np.random.default_rng(0)
    y = generator.random(200_000) < 0.5
    s = generator.normal(size=200_000) + y  # also beyond the 144,720 of a known overflow
    tracemalloc.start()
    found = auc(y, s)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * y.size  # bytes a case; the 1e10 pairs would take as many bytes at least
    assert found.estimate == pytest.approx(0.7602499, abs=0.005)  # normal cdf of 1 / sqrt(2)
    assert 0.003 < found.high - found.low < 0.006


@pytest.mark.parametrize(("m", "n", "truth"), [(40, 60, 0.855), (15, 15, 0.9), (50, 50, 0.97)])
def test_delong_covers_95_percent(m: int, n: int, truth: float) -> None:
    from scipy.stats import norm

    generator = np.random.default_rng(11)
    hits, repeats = 0, 1500
    y = np.arange(m + n) < m
    for _ in range(repeats):
        found = auc(y, generator.normal(size=m + n) + np.sqrt(2) * norm.ppf(truth) * y)
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / repeats <= 0.97


def test_cluster_of_single_cases_agrees_with_delong() -> None:
    generator = np.random.default_rng(5)
    y = generator.random(400) < 0.4
    s = generator.normal(size=400) + y
    plain, clustered = auc(y, s, method="plain"), auc(y, s, cluster=np.arange(400))
    assert clustered.estimate == plain.estimate
    assert (clustered.low, clustered.high) == pytest.approx((plain.low, plain.high), abs=0.006)


def test_copies_of_a_case_in_its_cluster_change_nothing() -> None:
    generator = np.random.default_rng(6)
    y = generator.random(80) < 0.5
    s = np.round(generator.normal(size=80) + y, 1)
    once = auc(y, s, cluster=np.arange(80))
    copied = auc(np.repeat(y, 4), np.repeat(s, 4), cluster=np.repeat(np.arange(80), 4))
    assert (copied.estimate, copied.low, copied.high) == pytest.approx((once.estimate, once.low, once.high))
    assert copied.n == 80


def test_cluster_bootstrap_never_loses_a_class() -> None:
    y = np.array([1] + [0] * 20)
    found = auc(y, np.arange(21), cluster=np.arange(21), method="bootstrap")
    assert np.isfinite([found.low, found.high]).all()
    with pytest.raises(ValueError, match="one cluster"):
        auc(y, np.arange(21), cluster=np.zeros(21))


def test_weighted_bootstrap_equals_resampling_the_cases() -> None:
    from overread.stats.roc.resample import WeightedAuc

    generator = np.random.default_rng(8)
    y, s = generator.random(50) < 0.5, generator.integers(0, 8, 50) / 4
    counts = generator.multinomial(50, np.full(50, 0.02), 20).astype(float)
    found = WeightedAuc(y, s)(counts)
    for row, value in zip(counts.astype(int), found, strict=True):
        assert value == pytest.approx(_brute(np.repeat(y, row), np.repeat(s, row))[0])


def test_macro_auc_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(9)
    y = generator.integers(0, 4, 300)
    p = generator.random((300, 4)).round(2) + 0.3 * (y[:, None] == np.arange(4))
    p /= p.sum(axis=1, keepdims=True)
    found = auc_macro(y, p, resamples=400)
    assert found.estimate == pytest.approx(metrics.roc_auc_score(y, p, multi_class="ovr", average="macro"))
    assert found.low < found.estimate < found.high
    clustered = auc_macro(y, p, cluster=np.arange(300), resamples=400)
    assert (clustered.low, clustered.high) == pytest.approx((found.low, found.high), abs=0.02)


def test_macro_auc_of_two_classes_is_the_auc() -> None:
    generator = np.random.default_rng(10)
    y = generator.integers(0, 2, 200)
    p = np.clip(generator.normal(0.4 + 0.2 * y, 0.2), 0, 1)
    assert auc_macro(y, np.column_stack([1 - p, p]), resamples=10).estimate == pytest.approx(
        auc(y, p).estimate
    )


def test_macro_auc_needs_every_class() -> None:
    with pytest.raises(ValueError, match="class 2 has 0"):
        auc_macro([0, 1, 0, 1], np.full((4, 3), 1 / 3))
    with pytest.raises(ValueError, match="expected 0 to 1"):
        auc_macro([0, 1, 2], np.full((3, 2), 0.5))
    with pytest.raises(ValueError, match="few clusters"):
        auc_macro([0, 1, 2, 2], np.eye(4)[:, :3], cluster=[0, 1, 2, 2])


@pytest.mark.parametrize(
    ("y", "s", "match"),
    [
        ([0, 1, 1], [0.1, np.nan, 0.5], "NaN"),
        ([[0], [1]], [0.1, 0.2], r"\(2, 1\)"),
        ([0, 1], [[0.1], [0.2]], r"\(2, 1\)"),
        ([1, 1], [0.1, 0.2], "only class 1"),
        ([], [], "empty"),
        ([0, 2], [0.1, 0.2], "only 0 and 1"),
        ([0, 1], [0.1], "score has 1 rows, expected 2"),
    ],
)
def test_bad_input(y: list, s: list, match: str) -> None:
    for function in (auc, roc_curve, operating_point):
        with pytest.raises(ValueError, match=match):
            function(y, s)


@given(scored, st.integers(0, 1000))
def test_weights_agree_with_scikit_learn(cases: list[tuple[bool, int]], seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    y, s = _arrays(cases)
    w = np.random.default_rng(seed).integers(1, 5, len(y)) / 2
    assert auc(y, s, weights=w).estimate == pytest.approx(metrics.roc_auc_score(y, s, sample_weight=w))
    fpr, tpr, _ = metrics.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    curve = roc_curve(y, s, weights=w)
    np.testing.assert_allclose(curve.false_positive_rate, fpr, atol=1e-12)
    np.testing.assert_allclose(curve.sensitivity, tpr, atol=1e-12)


def test_equal_weights_change_nothing_and_unequal_ones_widen() -> None:
    generator = np.random.default_rng(12)
    y = generator.random(300) < 0.4
    s = generator.normal(size=300) + y
    plain, equal = auc(y, s), auc(y, s, weights=np.full(300, 3.0))
    assert (equal.estimate, equal.low, equal.high) == pytest.approx((plain.estimate, plain.low, plain.high))
    uneven = auc(y, s, weights=generator.random(300) ** 6)
    assert uneven.high - uneven.low > 1.5 * (plain.high - plain.low)
    cut = np.arange(300) < 200
    assert auc(y, s, weights=cut).low == pytest.approx(auc(y[cut], s[cut]).low)


@pytest.mark.parametrize(
    ("weights", "match"),
    [([1, -1, 1, 1], "0 or more"), ([0, 0, 1, 1], "class 0"), ([1, 1], "2 rows"), ([1, 1, 1, np.nan], "NaN")],
)
def test_bad_weights(weights: list, match: str) -> None:
    for function in (auc, roc_curve):
        with pytest.raises(ValueError, match=match):
            function([0, 0, 1, 1], [1, 2, 3, 4], weights=weights)


def test_methods_agree_on_many_cases() -> None:
    generator = np.random.default_rng(13)
    y = generator.random(3000) < 0.5
    s = np.round(generator.normal(size=3000) + y, 1)
    expected = auc(y, s)
    methods = ("plain", "delong", "delong-logit", "hanley-mcneil", "newcombe", "bootstrap")
    for method in methods:
        found = auc(y, s, method=method)  # type: ignore[arg-type]
        assert found.estimate == expected.estimate
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.003)


@pytest.mark.parametrize("shift", [0, 0.25])
def test_case_bootstrap_has_the_variance_of_resampled_pairs(shift: float) -> None:
    """Exact variance of the bootstrap of two samples: of pairs drawn from the two empirical classes."""
    from overread.stats.roc.resample import case_replicates

    generator = np.random.default_rng(14)
    y = np.arange(60) < 25
    s = (
        generator.normal(size=60) + y
        if shift == 0
        else np.round((generator.normal(size=60) + y) / shift) * shift
    )
    win = (s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y])
    m, n, area = 25, 35, win.mean()
    first = np.mean((win.mean(axis=1) - area) ** 2) * (n - 1)
    second = np.mean((win.mean(axis=0) - area) ** 2) * (m - 1)
    exact = (np.mean((win - area) ** 2) + first + second) / (m * n)
    found = case_replicates(y, np.array([s, -s]), 20_000, 1)
    assert found[:, 0].mean() == pytest.approx(area, abs=4 * np.sqrt(exact / 20_000))
    assert found[:, 0].var() == pytest.approx(exact, rel=0.05)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert case_replicates(y, s[None], 20_000, 1).var() == pytest.approx(exact, rel=0.05)


def test_clusters_of_one_case_are_delong() -> None:
    generator = np.random.default_rng(15)
    y = generator.random(90) < 0.5
    s = np.round(generator.normal(size=90) + y, 1)
    for clustered, independent in (("obuchowski", "delong"), ("obuchowski-logit", "delong-logit")):
        a = auc(y, s, cluster=np.arange(90), method=clustered)  # type: ignore[arg-type]
        b = auc(y, s, method=independent)  # type: ignore[arg-type]
        assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-12)


def test_obuchowski_by_its_own_formula() -> None:
    """S10, S01 and S11 of Biometrics 1997;53:567, by loops over clusters."""
    generator = np.random.default_rng(16)
    c = generator.integers(0, 12, 60)
    y = generator.random(60) < 0.4
    s = np.round(generator.normal(size=60) + y, 1)
    win = (s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y])
    area, m, n = win.mean(), y.sum(), (~y).sum()
    x = {k: (win.mean(axis=1) - area)[c[y] == k].sum() for k in range(12)}
    z = {k: (win.mean(axis=0) - area)[c[~y] == k].sum() for k in range(12)}
    i10, i01, i = len(set(c[y])), len(set(c[~y])), len(set(c))
    s10 = i10 / ((i10 - 1) * m) * sum(v**2 for v in x.values())
    s01 = i01 / ((i01 - 1) * n) * sum(v**2 for v in z.values())
    s11 = i / (i - 1) * sum(x[k] * z[k] for k in range(12))
    variance = s10 / m + s01 / n + 2 * s11 / (m * n)
    found = auc(y, s, cluster=c, method="obuchowski")
    assert found.high - area == pytest.approx(1.959963984540054 * np.sqrt(variance))
    assert found.n == 12


@pytest.mark.parametrize("pure", [True, False])
def test_obuchowski_covers_95_percent_of_clustered_cases(pure: bool) -> None:
    """Thirty patients of four correlated images; DeLong, which takes them as independent, does not."""
    from scipy.stats import norm

    generator = np.random.default_rng(17)
    c, truth, repeats = np.repeat(np.arange(30), 4), norm.cdf(1.5 / np.sqrt(2)), 1500
    hits = {"obuchowski-logit": 0, "delong-logit": 0}
    for _ in range(repeats):
        y = np.repeat(np.arange(30) < 14, 4) if pure else generator.random(120) < 0.45
        s = np.sqrt(0.6) * generator.normal(size=30)[c] + np.sqrt(0.4) * generator.normal(size=120) + 1.5 * y
        for method in hits:
            cluster = c if method == "obuchowski-logit" else None
            found = auc(y, s, cluster=cluster, method=method)  # type: ignore[arg-type]
            hits[method] += found.low <= truth <= found.high
    assert 0.925 <= hits["obuchowski-logit"] / repeats <= 0.97
    if pure:
        assert hits["delong-logit"] / repeats < 0.85


def test_resamples_that_cannot_differ_are_no_certainty() -> None:
    for y, s in (([0, 1], [1, 1]), ([0, 0, 1, 1], [1, 1, 2, 2])):
        found = auc(y, s, method="bootstrap", resamples=20)
        assert found.method == "Newcombe" and found.high - found.low > 0.5


def test_perfect_separation_of_clusters_is_uncertain() -> None:
    y, c = np.repeat([0, 1], 20), np.arange(40) // 4
    for method in ("bootstrap", "obuchowski", "obuchowski-logit"):
        found = auc(y, y, cluster=c, method=method)  # type: ignore[arg-type]
        assert found.high == 1 and 0.3 < found.low < 0.8  # five patients of each class, not twenty cases


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"method": "best"}, "expected one of"),
        ({"method": "obuchowski"}, "needs cluster"),
        ({"method": "newcombe", "cluster": [1, 2, 3, 4]}, "independent"),
        ({"method": "bootstrap", "weights": [1, 1, 1, 1]}, "weights need"),
        ({"cluster": [1, 2, 3, 4], "method": "bootstrap", "weights": [1, 1, 1, 1]}, "weights need"),
        ({"cluster": [1, 1, 1, 1], "method": "obuchowski"}, "one cluster"),
        ({"confidence": 95}, "confidence"),
    ],
)
def test_arguments_that_do_not_fit(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        auc([0, 1, 0, 1], [1, 2, 3, 4], **arguments)
