from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from overread.stats.interval import Interval
from overread.stats.readers import (
    figures_of_merit,
    jackknife_covariance,
    obuchowski_rockette,
    obuchowski_rockette_summary,
    reader_equivalence,
    reader_goal_test,
    reader_noninferiority,
    reader_study,
    roe_metz,
    roe_metz_separation,
    sensitivity_at,
    specificity_at,
)
from overread.stats.roc import auc


def _area(y: NDArray, s: NDArray) -> float:
    """Area by comparing every pair."""
    x, z = s[y][:, None], s[~y][None, :]
    return float(np.mean((x > z) + 0.5 * (x == z)))


def _by_the_book(rating: NDArray, y: NDArray) -> dict[str, float]:
    """Two treatments: the published formulas in plain loops, with recomputed areas for the jackknife."""
    t, r, n = rating.shape
    theta = np.array([[_area(y, rating[i, j]) for j in range(r)] for i in range(t)])
    kept = [np.arange(n) != k for k in range(n)]
    left = np.array(
        [[[_area(y[k], rating[i, j][k]) for k in kept] for j in range(r)] for i in range(t)]
    )  # (t, r, n)
    covariance: dict[str, list[float]] = {"var": [], "cov1": [], "cov2": [], "cov3": []}
    for i, j, a, b in product(range(t), range(r), range(t), range(r)):
        name = {(True, True): "var", (False, True): "cov1", (True, False): "cov2", (False, False): "cov3"}
        x, z = left[i, j], left[a, b]
        covariance[name[i == a, j == b]].append((n - 1) / n * float(np.sum((x - x.mean()) * (z - z.mean()))))
    var, cov1, cov2, cov3 = (float(np.mean(values)) for values in covariance.values())
    ms_t = r * np.var(theta.mean(axis=1), ddof=1)
    ms_tr = sum(
        (theta[i, j] - theta[i].mean() - theta[:, j].mean() + theta.mean()) ** 2
        for i in range(t)
        for j in range(r)
    ) / ((t - 1) * (r - 1))
    error = ms_tr + r * max(cov2 - cov3, 0)
    df = (t - 1) * (r - 1) * (error / ms_tr) ** 2
    return {
        "var": var,
        "cov1": cov1,
        "cov2": cov2,
        "cov3": cov3,
        "F": ms_t / error,
        "df2": df,
        "p": float(stats.f.sf(ms_t / error, t - 1, df)),
        "chi2": (t - 1) * ms_t / (var - cov1 + (r - 1) * max(cov2 - cov3, 0)),
        "F_fixed": ms_t / ms_tr,
    }


@pytest.mark.parametrize(("seed", "rounded"), [(1, False), (2, True)])
def test_agrees_with_the_formulas(seed: int, rounded: bool) -> None:
    study = roe_metz(readers=4, negatives=11, positives=9, separation=(1.0, 1.6), seed=seed)
    rating = np.round(2 * study.rating) if rounded else study.rating
    expected = _by_the_book(rating, study.truth)
    found = obuchowski_rockette(rating, study.truth)
    assert found.rrrc is not None and found.rrfc is not None
    part = found.components
    numbers = (part.var, part.cov1, part.cov2, part.cov3, found.rrrc.statistic, found.rrrc.df2)
    assert numbers == pytest.approx([expected[k] for k in ("var", "cov1", "cov2", "cov3", "F", "df2")])
    assert found.rrrc.p_value == pytest.approx(expected["p"])
    assert found.frrc.statistic == pytest.approx(expected["chi2"]) == pytest.approx(found.frrc_dbm.statistic)
    assert found.frrc.p_value == pytest.approx(stats.chi2.sf(expected["chi2"], 1))
    assert found.frrc_dbm.p_value == pytest.approx(stats.f.sf(expected["chi2"], 1, 19))
    assert found.rrfc.statistic == pytest.approx(expected["F_fixed"])


@pytest.mark.parametrize("model", ["rrrc", "frrc", "frrc_dbm", "rrfc"])
def test_difference_and_overall_test_agree_with_two_treatments(model: str) -> None:
    study = roe_metz(readers=5, negatives=30, positives=25, separation=(1.0, 1.6), seed=3)
    test = getattr(obuchowski_rockette(study.rating, study.truth), model)
    (difference,) = test.differences
    assert difference.p_value == pytest.approx(test.p_value, rel=1e-9)
    assert difference.statistic**2 == pytest.approx(test.statistic)
    interval = difference.difference
    assert (interval.low < 0 < interval.high) == (test.p_value > 0.05)
    means = [single.estimate.estimate for single in test.estimates]
    assert interval.estimate == pytest.approx(means[0] - means[1])


def test_delong_covariance_equals_that_of_single_areas() -> None:
    study = roe_metz(readers=3, negatives=40, positives=30, separation=(0.8, 1.4), seed=4)
    table = figures_of_merit(study, covariance="delong")
    for (i, j), area in np.ndenumerate(table.estimates):
        plain = auc(study.truth, study.rating[i, j], method="plain")
        error = (plain.high - plain.low) / (2 * stats.norm.ppf(0.975))
        assert area == pytest.approx(plain.estimate)
        assert table.covariance[3 * i + j, 3 * i + j] == pytest.approx(error**2, rel=1e-6)
    assert np.allclose(table.covariance, table.covariance.T)
    assert np.linalg.eigvalsh(table.covariance).min() > -1e-12


def test_covariance_methods_agree_with_many_cases() -> None:
    study = roe_metz(readers=3, negatives=150, positives=120, separation=(0.8, 1.4), seed=5)
    matrices = [
        figures_of_merit(study, covariance=method, resamples=3000).covariance
        for method in ("jackknife", "delong", "unbiased", "bootstrap")
    ]
    for matrix in matrices[1:3]:
        assert np.allclose(matrix, matrices[0], rtol=0.03, atol=1e-5)
    assert np.allclose(matrices[3], matrices[0], rtol=0.2, atol=4e-5)


def test_unbiased_covariance_by_brute_force() -> None:
    """Product of areas less its mean over pairs of comparisons without a case in common."""
    study = roe_metz(readers=2, negatives=5, positives=4, seed=6)
    table = figures_of_merit(study, covariance="unbiased")
    x, y = study.rating[:, :, study.truth], study.rating[:, :, ~study.truth]
    wins = (x[..., :, None] > y[..., None, :]).astype(float).reshape(4, 4, 5)
    for a, b in product(range(4), range(4)):
        apart = [
            wins[a, i, j] * wins[b, k, m]
            for i, j, k, m in product(range(4), range(5), range(4), range(5))
            if i != k and j != m
        ]
        expected = wins[a].mean() * wins[b].mean() - np.mean(apart)
        assert table.covariance[a, b] == pytest.approx(expected, abs=1e-14)


def test_any_figure_of_merit() -> None:
    study = roe_metz(readers=4, negatives=30, positives=20, separation=(1.0, 1.0), seed=7)
    by_name = obuchowski_rockette(study.rating, study.truth)
    by_function = obuchowski_rockette(study.rating, study.truth, fom=_area)
    with_interval = obuchowski_rockette(study.rating, study.truth, fom=lambda y, s: auc(y, s))
    for found in (by_function, with_interval):
        np.testing.assert_allclose(found.covariance, by_name.covariance, atol=1e-12)
        np.testing.assert_allclose(found.estimates, by_name.estimates)
    assert isinstance(auc(study.truth, study.rating[0, 0]), Interval)


def test_limits_of_a_sensitivity_end_at_one() -> None:
    study = roe_metz(readers=4, negatives=12, positives=12, separation=(2.5, 2.5), seed=9)
    cut = obuchowski_rockette(study.rating, study.truth, fom=sensitivity_at(threshold=0.5))
    free = obuchowski_rockette(study.rating, study.truth, fom=lambda y, s: float(np.mean(s[y] >= 0.5)))
    assert cut.fom == "sensitivity at 0.5" and cut.rrrc is not None and free.rrrc is not None
    highs = [[single.estimate.high for single in test.estimates] for test in (cut.rrrc, free.rrrc)]
    assert max(highs[1]) > 1 and highs[0] == np.minimum(highs[1], 1).tolist()


def test_sensitivity_rests_on_the_diseased() -> None:
    """Its jackknife variance is that of a proportion, p (1 - p) / (m - 1), whatever the healthy say."""
    study = roe_metz(readers=4, negatives=30, positives=20, seed=8)
    table = figures_of_merit(study, fom=sensitivity_at(threshold=0.5))
    p = table.estimates.ravel()
    assert table.cases == 20
    np.testing.assert_allclose(np.diag(table.covariance), p * (1 - p) / 19)
    q = figures_of_merit(study, fom=specificity_at(threshold=0.5))
    assert q.cases == 30
    np.testing.assert_allclose(np.diag(q.covariance), q.estimates.ravel() * (1 - q.estimates.ravel()) / 29)
    drawn = figures_of_merit(study, fom=sensitivity_at(threshold=0.5), covariance="bootstrap", resamples=1500)
    np.testing.assert_allclose(np.diag(drawn.covariance), p * (1 - p) / 20, rtol=0.2)


def test_table_and_array_are_the_same() -> None:
    study = roe_metz(readers=3, negatives=8, positives=6, seed=9)
    index = np.array(list(np.ndindex(study.rating.shape)))
    order = np.random.default_rng(0).permutation(len(index))
    t, r, c = index[order].T
    found = reader_study(
        study.rating[t, r, c],
        study.truth[c].astype(int),
        reader=[f"reader {i}" for i in r],
        treatment=[("film", "screen")[i] for i in t],
        case=c,
    )
    assert found.treatments == ("film", "screen") and found.readers[0] == "reader 0"
    np.testing.assert_array_equal(found.rating, study.rating)
    np.testing.assert_array_equal(found.truth, study.truth)
    direct, table = (
        obuchowski_rockette(study.rating, study.truth),
        obuchowski_rockette(study.rating[t, r, c], study.truth[c], reader=r, treatment=t, case=c),
    )
    np.testing.assert_allclose(direct.covariance, table.covariance)


def test_nested_designs() -> None:
    """Cases that only one reader (or one treatment) reads bring no covariance between readers (treatments)."""
    study = roe_metz(readers=3, negatives=24, positives=24, separation=(1.0, 1.5), seed=10)
    by_reader = np.full((2, 3, 48), np.nan)
    by_treatment = np.full((2, 3, 48), np.nan)
    for j in range(3):
        by_reader[:, j, j::3] = study.rating[:, j, j::3]
    for i in range(2):
        by_treatment[i, :, i::2] = study.rating[i, :, i::2]
    for method in ("jackknife", "delong", "unbiased"):
        nested = obuchowski_rockette(by_reader, study.truth, covariance=method)
        assert (nested.components.cov2, nested.components.cov3) == pytest.approx((0, 0), abs=1e-12)
        assert nested.components.cov1 > 0
        assert nested.rrrc is not None and nested.rrfc is not None
        assert nested.rrrc.statistic == pytest.approx(nested.rrfc.statistic)
        assert nested.rrrc.df2 == pytest.approx(2)
        split = obuchowski_rockette(by_treatment, study.truth, covariance=method)
        assert (split.components.cov1, split.components.cov3) == pytest.approx((0, 0), abs=1e-12)
        assert split.components.cov2 > 0


def test_three_treatments_one_treatment_one_reader() -> None:
    study = roe_metz(readers=4, negatives=40, positives=40, separation=(0.8, 1.2, 2.0), seed=11)
    three = obuchowski_rockette(study.rating, study.truth)
    assert three.rrrc is not None
    assert len(three.rrrc.differences) == 3 and three.rrrc.df1 == 2
    assert three.rrrc.df2 == pytest.approx(
        2
        * 3
        * (1 + 4 * max(three.components.cov2 - three.components.cov3, 0) / three.anova.ms_treatment_reader)
        ** 2
    )
    one = obuchowski_rockette(study.rating[0], study.truth)
    assert one.rrrc is not None and three.rrrc.estimates[0] == one.rrrc.estimates[0]
    assert np.isnan(one.rrrc.statistic) and one.rrrc.differences == ()
    alone = obuchowski_rockette(study.rating[:2, :1], study.truth)
    assert alone.rrrc is None and alone.rrfc is None
    assert alone.frrc.p_value == pytest.approx(alone.frrc.differences[0].p_value)


def test_summary_form_equals_the_whole() -> None:
    study = roe_metz(readers=4, negatives=30, positives=20, separation=(1.0, 1.6), seed=12)
    whole = obuchowski_rockette(study.rating, study.truth)
    n = len(study.truth)
    left = np.array(
        [
            [
                [_area(np.delete(study.truth, k), np.delete(study.rating[i, j], k)) for k in range(n)]
                for j in range(4)
            ]
            for i in range(2)
        ]
    )
    parts = obuchowski_rockette_summary(whole.estimates, jackknife_covariance(left), cases=n)
    assert parts.rrrc is not None and whole.rrrc is not None
    assert parts.rrrc.p_value == pytest.approx(whole.rrrc.p_value)
    assert parts.frrc_dbm.p_value == pytest.approx(whole.frrc_dbm.p_value)


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=25)
def test_order_and_scale_do_not_matter(seed: int, tied: bool) -> None:
    generator = np.random.default_rng(seed)
    rating = generator.normal(size=(2, 3, 12)) + np.array([0.0, 0.7])[:, None, None]
    rating = np.round(rating) if tied else rating
    y = np.arange(12) < 5
    base = obuchowski_rockette(rating, y)
    cases, readers = generator.permutation(12), generator.permutation(3)
    other = obuchowski_rockette(7 + 3 * rating[:, readers][:, :, cases], y[cases])
    swapped = obuchowski_rockette(rating[::-1], y)
    for test in ("rrrc", "frrc", "rrfc"):
        p = getattr(base, test).p_value
        assert 0 <= p <= 1
        assert getattr(other, test).p_value == pytest.approx(p)
        assert getattr(swapped, test).p_value == pytest.approx(p)
    first, mirrored = base.frrc.differences[0].difference, swapped.frrc.differences[0].difference
    assert (first.low, first.high) == pytest.approx((-mirrored.high, -mirrored.low))


def test_identical_treatments_show_no_difference() -> None:
    study = roe_metz(readers=3, negatives=20, positives=20, seed=13)
    rating = np.stack([study.rating[0], study.rating[0]])
    found = obuchowski_rockette(rating, study.truth)
    assert found.rrrc is not None
    assert found.rrrc.statistic == 0 and found.rrrc.p_value == 1
    perfect = obuchowski_rockette(np.tile(study.truth * 1.0, (2, 3, 1)), study.truth)
    assert perfect.rrrc is not None
    assert perfect.rrrc.estimates[0].estimate.high == 1


def test_type_i_error_of_random_readers_and_cases() -> None:
    """Five readers and 50 + 50 cases, areas equal at 0.70 (Roe and Metz' structure with high variances)."""
    generator = np.random.default_rng(20)
    p = []
    for _ in range(900):
        study = roe_metz(readers=5, negatives=50, positives=50, seed=generator)
        test = obuchowski_rockette(study.rating, study.truth).rrrc
        assert test is not None
        p.append(test.p_value)
    assert 0.03 <= np.mean(np.array(p) <= 0.05) <= 0.07


def test_single_interval_covers() -> None:
    generator = np.random.default_rng(21)
    goal, hits = 0.85, 0
    separation = (roe_metz_separation(auc=goal),)
    for _ in range(700):
        study = roe_metz(readers=6, negatives=60, positives=60, separation=separation, seed=generator)
        test = obuchowski_rockette(study.rating, study.truth).rrrc
        assert test is not None
        hits += test.estimates[0].estimate.low <= goal <= test.estimates[0].estimate.high
    assert 0.93 <= hits / 700 <= 0.975


def test_claims_agree_with_intervals() -> None:
    study = roe_metz(readers=6, negatives=60, positives=60, separation=(1.5, 1.4), seed=22)
    test = obuchowski_rockette(study.rating, study.truth).rrrc
    assert test is not None
    (difference,), single = test.differences, test.estimates[0]
    low, high = difference.difference.low, difference.difference.high
    for margin in (abs(low) * 0.99, abs(low) * 1.01):
        test = reader_noninferiority(difference, margin=margin)
        assert test.met == (low > -margin)
        assert test.estimate.low == pytest.approx(low)
    ninety = 2 * difference.standard_error * stats.t.ppf(0.95, difference.df)
    both = reader_equivalence(difference, margin=0.5)
    assert both.met and both.estimate.high - both.estimate.low == pytest.approx(ninety)
    assert not reader_equivalence(difference, margin=(high - low) / 8).met
    above = reader_goal_test(single, goal=single.estimate.low - 1e-6)
    below = reader_goal_test(single, goal=single.estimate.low + 1e-6)
    assert above.met and not below.met
    two_sided = reader_goal_test(single, goal=single.estimate.low, alpha=0.05, alternative="two-sided")
    assert two_sided.p_value == pytest.approx(0.05, abs=1e-9)
    with pytest.raises(ValueError, match="margin"):
        reader_noninferiority(difference, margin=0)


def test_clear_errors() -> None:
    study = roe_metz(readers=3, negatives=6, positives=6, seed=23)
    rating, y = study.rating, study.truth
    with pytest.raises(ValueError, match="rating has shape"):
        obuchowski_rockette(rating[0, 0], y)
    with pytest.raises(ValueError, match="only class 1"):
        obuchowski_rockette(rating, np.ones(12))
    with pytest.raises(ValueError, match="truth has 11 cases, rating 12"):
        obuchowski_rockette(rating, y[:11])
    with pytest.raises(ValueError, match="covariance is 'boot'"):
        obuchowski_rockette(rating, y, covariance="boot")
    with pytest.raises(ValueError, match="AUC only"):
        obuchowski_rockette(rating, y, fom=sensitivity_at(threshold=1), covariance="delong")
    with pytest.raises(ValueError, match="infinite"):
        obuchowski_rockette(np.where(rating > 0, np.inf, rating), y)
    holes = rating.copy()
    holes[0, 1, :5] = np.nan
    with pytest.raises(ValueError, match="reader 2 read 1 cases of class 0"):
        obuchowski_rockette(holes, y)
    with pytest.raises(ValueError, match="reader 1 rated case 1 under treatment 1 2 times"):
        obuchowski_rockette([1, 2, 3.0], [0, 0, 1], reader=[1, 1, 1], treatment=[1, 1, 1], case=[1, 1, 2])
    with pytest.raises(ValueError, match="case 1 has truth 0 and 1"):
        obuchowski_rockette([1, 2, 3.0], [0, 1, 1], reader=[1, 2, 1], treatment=[1, 1, 1], case=[1, 1, 2])
    with pytest.raises(ValueError, match="NaN"):
        obuchowski_rockette(
            [1, np.nan, 3.0], [0, 1, 1], reader=[1, 1, 1], treatment=[1, 1, 1], case=[1, 2, 3]
        )


VAN_DYKE_AREAS = [
    [0.9196457327, 0.8587761675, 0.9038647343, 0.9731078905, 0.8297906602],
    [0.947826087, 0.9053140097, 0.9217391304, 0.9993558776, 0.9299516908],
]


def test_van_dyke_mean_squares() -> None:
    """G11 as far as it goes without the data: areas, variance and covariances are printed (Hillis 2007)."""
    var, cov = 0.0008022882656, (0.0003466137094, 0.0003440748289, 0.0002390283709)
    same_t, same_r = np.eye(2, dtype=bool)[:, None, :, None], np.eye(5, dtype=bool)[None, :, None, :]
    matrix = np.select(
        [same_t & same_r, same_r & ~same_t, same_t & ~same_r], [var, cov[0], cov[1]], cov[2]
    ).reshape(10, 10)
    found = obuchowski_rockette_summary(VAN_DYKE_AREAS, matrix, cases=114)
    assert found.rrrc is not None and found.rrfc is not None
    random = found.rrrc
    assert (random.statistic, random.df2, random.p_value) == pytest.approx(
        (4.456318693, 15.25967459, 0.05166568582), rel=1e-6
    )
    interval = random.differences[0].difference
    assert (interval.estimate, interval.low) == pytest.approx((-0.04380032206, -0.08795949857), rel=1e-6)
    assert interval.high == pytest.approx(0.0003588544442, rel=1e-5)
    assert (found.frrc.statistic, found.frrc.p_value) == pytest.approx((5.475953242, 0.01927984307), rel=1e-6)
    assert (found.frrc_dbm.statistic, found.frrc_dbm.p_value) == pytest.approx(
        (5.475953242, 0.0210349686), rel=1e-6
    )
    assert (found.rrfc.statistic, found.rrfc.p_value) == pytest.approx((8.704, 0.04195875249), rel=1e-6)


def test_van_dyke(goldens_data: Path) -> None:
    """G11: 2 treatments, 5 readers, 114 cases (Van Dyke et al. 1993), as printed by OR-DBM MRMC 2.51."""
    path = goldens_data / "VanDyke.csv"
    if not path.exists():
        pytest.skip(
            "the Van Dyke ratings are not shipped: put VanDyke.csv (reader, treatment, case, truth, rating)"
        )
    with path.open() as f:
        rows = list(csv.DictReader(f))
    columns = {
        k: np.array([float(row[k]) for row in rows]) for k in ("rating", "truth", "reader", "treatment")
    }
    case = np.array([row["case"] for row in rows])
    expected = {
        "jackknife": (4.456318693, 15.25967459, 0.05166568582),
        "delong": (4.484854, 15.06611, 0.05123303),
        "unbiased": (4.489614, 15.03418, 0.0511618),
    }
    for method, numbers in expected.items():
        found = obuchowski_rockette(**columns, case=case, covariance=method)
        assert found.rrrc is not None
        assert (found.rrrc.statistic, found.rrrc.df2, found.rrrc.p_value) == pytest.approx(numbers, rel=1e-6)
        np.testing.assert_allclose(found.estimates, VAN_DYKE_AREAS, rtol=1e-6)
        if method == "jackknife":
            part = found.components
            assert (part.var, part.cov1, part.cov2, part.cov3) == pytest.approx(
                (0.0008022882656, 0.0003466137094, 0.0003440748289, 0.0002390283709), rel=1e-6
            )
    nested = [f"{a} {b}" for a, b in zip(columns["reader"], case, strict=True)]
    within_readers = obuchowski_rockette(**columns, case=nested).rrrc
    assert within_readers is not None
    assert (within_readers.statistic, within_readers.p_value) == pytest.approx((8.704, 0.04195875), rel=1e-6)
    nested = [f"{a} {b}" for a, b in zip(columns["treatment"], case, strict=True)]
    within_tests = obuchowski_rockette(**columns, case=nested).rrrc
    assert within_tests is not None
    numbers = (within_tests.statistic, within_tests.df2, within_tests.p_value)
    assert numbers == pytest.approx((2.104491, 68.42325, 0.1514363), rel=1e-6)
    sensitivity = obuchowski_rockette(**columns, case=case, fom=sensitivity_at(threshold=3)).rrrc
    assert sensitivity is not None
    numbers = (sensitivity.statistic, sensitivity.df2, sensitivity.p_value)
    assert numbers == pytest.approx((6.689493, 15.71732, 0.02008822), rel=1e-6)
    assert sensitivity.differences[0].difference.estimate == pytest.approx(-0.09777778, rel=1e-6)
