from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from overread.stats.readers import (
    BCK_NAMES,
    obuchowski_rockette,
    roe_metz,
    roe_metz_auc,
    u_statistic,
    u_statistic_variance,
)
from overread.stats.roc import auc


def test_imrmc_example(goldens_data: Path) -> None:
    """G13: simulated with the defaults of DIDSR/iMRMC (stream 2), analysed by iMRMC 4.0.3."""
    with (goldens_data / "imrmc_roemetz_stream2.csv").open() as f:
        rows = list(csv.DictReader(f))
    truth = {row["caseID"]: int(row["score"]) for row in rows if row["readerID"] == "truth"}
    rows = [row for row in rows if row["readerID"] != "truth"]
    found = u_statistic(
        [float(row["score"]) for row in rows],
        [truth[row["caseID"]] for row in rows],
        reader=[row["readerID"] for row in rows],
        treatment=[row["modalityID"] for row in rows],
        case=[row["caseID"] for row in rows],
    )
    assert found.treatments == ("testA", "testB")
    assert [area.estimate for area in found.areas] == pytest.approx([0.704375, 0.7585], rel=1e-6)
    assert found.variances == pytest.approx([0.00631393024, 0.00237205276], rel=1e-6)
    (difference,) = found.differences
    assert difference.difference.estimate == pytest.approx(-0.054125, rel=1e-6)
    assert difference.standard_error**2 == pytest.approx(0.00498950905, rel=1e-6)
    assert difference.df == pytest.approx(7.35006973, rel=1e-6)
    assert difference.p_value == pytest.approx(0.468575984, rel=1e-6)
    interval = difference.difference
    assert (interval.low, interval.high) == pytest.approx((-0.221153679, 0.112903679), rel=1e-6)
    moments = [
        0.704375,
        0.5743269231,
        0.5706858974,
        0.512386259,
        0.5516875,
        0.520838141,
        0.5183926282,
        0.4898302104,
    ]
    assert found.moments[0, 0] == pytest.approx(moments, rel=1e-6)


def _brute(rating: NDArray, y: NDArray, a: int, b: int) -> tuple[NDArray, NDArray, float]:
    """Moments, coefficients and covariance of two treatments from every pair of comparisons."""
    comparisons = []
    for t in (a, b):
        x = rating[t]
        comparisons.append(
            [
                (r, i, j, float(x[r, i] > x[r, j]) + 0.5 * float(x[r, i] == x[r, j]))
                for r, i, j in product(range(len(x)), np.flatnonzero(y), np.flatnonzero(~y))
                if not np.isnan(x[r, i]) and not np.isnan(x[r, j])
            ]
        )
    sums, counts = np.zeros(8), np.zeros(8)
    for (r, i, j, s), (q, k, m, u) in product(*comparisons):
        which = 4 * (r != q) + 2 * (i != k) + (j != m)
        sums[which] += s * u
        counts[which] += 1
    moments = np.divide(sums, counts, out=np.zeros(8), where=counts > 0)
    coefficients = counts / counts.sum()
    coefficients[7] -= 1
    return moments, coefficients, float(moments @ coefficients)


@pytest.mark.parametrize("design", ["crossed", "ragged", "nested readers", "nested cases"])
def test_agrees_with_every_pair_of_comparisons(design: str) -> None:
    study = roe_metz(readers=4, negatives=5, positives=4, separation=(0.8, 1.4), seed=1)
    rating, y = np.round(3 * study.rating), study.truth
    if design == "ragged":
        rating[np.random.default_rng(2).random(rating.shape) < 0.2] = np.nan
    if design == "nested readers":
        rating[0, 2:], rating[1, :2] = np.nan, np.nan
    if design == "nested cases":
        rating[0, :, ::2], rating[1, :, 1::2] = np.nan, np.nan
    found = u_statistic(rating, y, biased=True)
    unbiased = []
    for a, b in product(range(2), range(2)):
        _, coefficients, covariance = _brute(rating, y, a, b)
        np.testing.assert_allclose(found.coefficients[a, b], coefficients, atol=1e-12)
        unbiased.append(covariance)
        if design == "nested cases" and a != b:
            assert np.abs(coefficients[[0, 1, 2, 4, 5, 6]]).max() < 1e-12
    try:
        exact = u_statistic(rating, y)
    except ValueError as error:
        assert min(unbiased[0], unbiased[3], unbiased[0] + unbiased[3] - 2 * unbiased[1]) < 0, error
    else:
        np.testing.assert_allclose(exact.covariance.ravel(), unbiased, atol=1e-12)
        for a, b in product(range(2), range(2)):
            np.testing.assert_allclose(exact.moments[a, b], _brute(rating, y, a, b)[0], atol=1e-12)


def test_components_of_variance_rebuild_the_variance() -> None:
    """Fully crossed: var = sum of components over their numbers of readers and cases (Gallas 2009)."""
    study = roe_metz(readers=4, negatives=12, positives=9, separation=(0.8, 1.4), seed=3)
    found = u_statistic(study.rating, study.truth, biased=True)
    r, n, m = 4, 12, 9
    sizes = np.array([n, m, n * m, r, r * n, r * m, r * n * m])
    assert len(BCK_NAMES) == 7
    np.testing.assert_allclose(found.bck[0, 0] @ (1 / sizes), found.covariance[0, 0], atol=1e-12)
    np.testing.assert_allclose(found.bck[0, 1] @ (1 / sizes), found.covariance[0, 1], atol=1e-12)


def test_unbiased_variance_against_simulation() -> None:
    """The mean of the estimated variances is the variance of the estimates, readers and cases both drawn."""
    generator = np.random.default_rng(4)
    areas, variances = [], []
    for _ in range(1000):
        study = roe_metz(readers=4, negatives=25, positives=20, separation=(1.0,), seed=generator)
        found = u_statistic(study.rating, study.truth)
        areas.append(found.areas[0].estimate)
        variances.append(found.variances[0])
    assert np.mean(areas) == pytest.approx(roe_metz_auc(separation=1.0), abs=0.008)
    assert np.mean(variances) == pytest.approx(np.var(areas, ddof=1), rel=0.15)


def test_fully_crossed_variance_equals_mean_square_plus_covariance() -> None:
    """One treatment, all crossed: MS(R) / r + cov2 with the unbiased covariance is the same U-statistic."""
    study = roe_metz(readers=6, negatives=40, positives=30, separation=(1.2,), seed=5)
    u = u_statistic(study.rating, study.truth)
    o = obuchowski_rockette(study.rating, study.truth, covariance="unbiased")
    expected = o.estimates[0].var(ddof=1) / 6 + o.components.cov2
    assert u.variances[0] == pytest.approx(expected, rel=1e-9)
    assert u.areas[0].estimate == pytest.approx(o.means[0])


def test_readers_who_read_different_cases_weigh_by_pairs() -> None:
    study = roe_metz(readers=2, negatives=10, positives=10, separation=(1.0,), seed=6)
    rating = study.rating.copy()
    rating[0, 1, :5] = np.nan
    found = u_statistic(rating, study.truth, biased=True)
    first = auc(study.truth, rating[0, 0]).estimate
    second = auc(study.truth[5:], rating[0, 1, 5:]).estimate
    assert found.areas[0].estimate == pytest.approx((100 * first + 50 * second) / 150)


def test_size_of_another_study() -> None:
    pilot = u_statistic(*_crossed(8, 60, 50, seed=7))
    m = pilot.moments
    assert u_statistic_variance(m[0, 0], readers=8, negatives=60, positives=50) == pytest.approx(
        pilot.variances[0]
    )
    change = m[0, 0] + m[1, 1] - 2 * m[0, 1]
    assert u_statistic_variance(change, readers=8, negatives=60, positives=50) == pytest.approx(
        pilot.differences[0].standard_error ** 2, rel=1e-9
    )
    more = [u_statistic_variance(m[0, 0], readers=r, negatives=60, positives=50) for r in (4, 8, 16, 64)]
    assert more == sorted(more, reverse=True) and more[-1] > 0


def _crossed(readers: int, negatives: int, positives: int, seed: int) -> tuple[NDArray, NDArray]:
    study = roe_metz(
        readers=readers, negatives=negatives, positives=positives, separation=(1.0, 1.5), seed=seed
    )
    return study.rating, study.truth


def test_type_i_error() -> None:
    """Split-plot: two groups of readers, each with its own cases, equal areas."""
    generator = np.random.default_rng(8)
    p = []
    for _ in range(700):
        study = roe_metz(readers=6, negatives=60, positives=60, separation=(1.5, 1.5), seed=generator)
        rating = study.rating
        rating[:, :3, ::2] = np.nan
        rating[:, 3:, 1::2] = np.nan
        p.append(u_statistic(rating, study.truth, biased=True).differences[0].p_value)
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.07


def test_few_degrees_of_freedom_are_cut_down_and_many_are_normal() -> None:
    few = u_statistic(*_crossed(3, 60, 60, seed=9), biased=True).differences[0]
    assert few.df < 50
    half = few.difference.high - few.difference.estimate
    assert half == pytest.approx(stats.t.ppf(0.975, int(few.df)) * few.standard_error)
    study = roe_metz(
        readers=40, negatives=40, positives=40, separation=(1.0, 1.5), var_r=0, var_tr=0, seed=10
    )
    many = u_statistic(study.rating, study.truth).differences[0]
    assert many.df >= 50
    assert many.p_value == pytest.approx(2 * stats.norm.sf(abs(many.statistic)))


def test_clear_errors() -> None:
    rating, y = _crossed(2, 5, 5, seed=11)
    alone = rating.copy()
    alone[1, 0] = np.nan
    with pytest.raises(ValueError, match="treatment 2 has 1 readers"):
        u_statistic(alone, y)
    with pytest.raises(ValueError, match="8 moments"):
        u_statistic_variance([1, 2], readers=2, negatives=3, positives=4)
    perfect = u_statistic(np.tile(y * 1.0, (2, 3, 1)), y)
    assert perfect.areas[0].low == perfect.areas[0].high == 1
    assert perfect.differences[0].p_value == 1
