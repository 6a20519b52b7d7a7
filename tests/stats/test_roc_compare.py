from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from overread.stats.roc import auc, delong_test, roc_contrast


def _brute(y: NDArray, scores: NDArray) -> tuple[NDArray, NDArray]:
    """Areas and DeLong covariance of scores (k, n) by comparing every pair."""
    wins = np.array([(s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y]) for s in scores])
    first, second = (np.atleast_2d(np.cov(wins.mean(axis=a), ddof=1)) for a in (2, 1))
    return wins.mean(axis=(1, 2)), first / wins.shape[1] + second / wins.shape[2]


@pytest.fixture
def cases() -> tuple[NDArray, NDArray]:
    """Labels (80,) and three correlated scores (3, 80) with ties."""
    generator = np.random.default_rng(0)
    y = generator.random(80) < 0.45
    shared = generator.normal(size=80)
    return y, np.round(shared + generator.normal(size=(3, 80)) + np.array([[1.5], [1.0], [0.8]]) * y, 1)


@given(st.integers(0, 10_000))
def test_covariance_agrees_with_all_pairs(seed: int) -> None:
    generator = np.random.default_rng(seed)
    y = np.arange(12) < generator.integers(2, 11)
    scores = generator.integers(0, 5, (3, 12)) + np.array([0.0, 0.0, 1.0])[:, None] * y
    area, covariance = _brute(y, scores)
    try:
        found = roc_contrast(y, scores.T)
    except ValueError:
        assert np.linalg.matrix_rank(covariance - covariance[0], tol=1e-9) < 2
        return
    np.testing.assert_allclose([a.estimate for a in found.areas], area)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-12)


def test_ovarian_cancer_data(goldens_data: Path) -> None:
    """G08: DeLong et al. 1988, in the SAS/STAT manual of PROC LOGISTIC."""
    with (goldens_data / "delong_ovarian_sas.csv").open() as f:
        rows = list(csv.DictReader(f))
    y = np.array([float(row["popind"]) == 1 for row in rows])
    columns = {"alb": "alb", "tp": "tp", "kg": "totscore_kg"}
    scores = {name: [float(row[column]) for row in rows] for name, column in columns.items()}
    found = roc_contrast(y, scores, reference="kg")
    expected = {
        "alb": (0.7366, 0.0927, 0.5549, 0.9182),
        "tp": (0.6478, 0.1000, 0.4518, 0.8439),
        "kg": (0.7258, 0.1028, 0.5243, 0.9273),
    }
    assert found.names == tuple(expected)
    for name, area, error in zip(found.names, found.areas, found.standard_errors, strict=True):
        assert (area.estimate, error, area.low, area.high) == pytest.approx(expected[name], abs=5e-5)
        plain = auc(y, scores[name], method="delong")
        assert (plain.low, plain.high) == pytest.approx((area.low, area.high))
    assert (found.statistic, found.df, found.p_value) == pytest.approx((2.5339779, 2, 0.2816785), abs=5e-5)
    contrasts = [(0.0108, 0.0953, -0.1761, 0.1976, 0.9102), (-0.0780, 0.1046, -0.2830, 0.1271, 0.4561)]
    for row, numbers in zip(found.rows, contrasts, strict=True):
        e = row.estimate
        assert (e.estimate, row.standard_error, e.low, e.high, row.p_value) == pytest.approx(
            numbers, abs=5e-5
        )
    given_matrix = roc_contrast(y, np.array(list(scores.values())).T, contrast=[[1, 0, -1], [0, 1, -1]])
    assert (given_matrix.statistic, given_matrix.p_value) == (found.statistic, found.p_value)
    pair = delong_test(y, scores["alb"], scores["kg"])
    assert pair.difference.estimate == pytest.approx(0.0108, abs=5e-5)
    assert pair.p_value == pytest.approx(0.9102, abs=5e-5)


def test_pair_is_the_contrast_of_two(cases: tuple[NDArray, NDArray]) -> None:
    y, scores = cases
    area, covariance = _brute(y, scores[:2])
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    found = delong_test(y, scores[0], scores[1])
    assert found.statistic == pytest.approx((area[0] - area[1]) / error)
    assert found.standard_error == pytest.approx(error)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(found.statistic)))
    assert found.difference.high == pytest.approx(area[0] - area[1] + 1.959963984540054 * error)
    assert found.correlation == pytest.approx(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
    assert found.auc1 == auc(y, scores[0])
    joint = roc_contrast(y, scores[:2].T, reference=1)
    assert joint.statistic == pytest.approx(found.statistic**2)
    assert joint.p_value == pytest.approx(found.p_value) == pytest.approx(joint.rows[0].p_value)


def test_unpaired(cases: tuple[NDArray, NDArray]) -> None:
    """Welch's t on the two areas, as pROC's unpaired test has it."""
    y, scores = cases
    y2, s2 = y[:50], scores[1, :50]
    found = delong_test(y, scores[0], s2, y2=y2)
    (a1, v1), (a2, v2) = ((a[0], v[0, 0]) for a, v in (_brute(y, scores[:1]), _brute(y2, s2[None])))
    df = (v1 + v2) ** 2 / (v1**2 / 79 + v2**2 / 49)
    assert found.df == pytest.approx(df)
    assert found.statistic == pytest.approx((a1 - a2) / np.sqrt(v1 + v2))
    assert found.p_value == pytest.approx(2 * student.sf(abs(found.statistic), df))
    half = student.ppf(0.975, df) * np.sqrt(v1 + v2)
    assert found.difference.low == pytest.approx(a1 - a2 - half)
    assert found.correlation == 0 and (found.auc1.n, found.auc2.n) == (80, 50)


def test_alternatives_and_margin(cases: tuple[NDArray, NDArray]) -> None:
    y, scores = cases
    two, greater, less = (
        delong_test(y, scores[0], scores[1], alternative=a) for a in ("two-sided", "greater", "less")
    )
    assert greater.p_value + less.p_value == pytest.approx(1)
    assert two.p_value == pytest.approx(2 * min(greater.p_value, less.p_value))
    inferior = delong_test(y, scores[1], scores[0], alternative="greater", margin=-0.2)
    assert inferior.statistic == pytest.approx((0.2 + inferior.difference.estimate) / inferior.standard_error)
    with pytest.raises(ValueError, match="alternative"):
        delong_test(y, scores[0], scores[1], alternative="upper")  # type: ignore[arg-type]


def test_bootstrap_agrees_with_delong(cases: tuple[NDArray, NDArray]) -> None:
    y, scores = cases
    exact = delong_test(y, scores[0], scores[1])
    found = delong_test(y, scores[0], scores[1], method="bootstrap", resamples=4000)
    assert found.standard_error == pytest.approx(exact.standard_error, rel=0.06)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (exact.difference.low, exact.difference.high), abs=0.015
    )
    apart = delong_test(y, scores[0], scores[1], y2=y, method="bootstrap")
    assert apart.standard_error > 1.15 * found.standard_error


def test_clusters_of_copies_change_nothing(cases: tuple[NDArray, NDArray]) -> None:
    y, scores = cases
    c = np.arange(80)
    for method in ("delong", "bootstrap"):
        once = delong_test(y, scores[0], scores[1], cluster=c, method=method)  # type: ignore[arg-type]
        many = delong_test(
            *(np.repeat(a, 3) for a in (y, scores[0], scores[1])), cluster=np.repeat(c, 3), method=method
        )  # type: ignore[arg-type]
        assert many.statistic == pytest.approx(once.statistic) and many.difference.n == 80
    assert once.method == "bootstrap of clusters"
    contrast = roc_contrast(y, scores.T, cluster=c)
    np.testing.assert_allclose(contrast.covariance, roc_contrast(y, scores.T).covariance)
    assert contrast.method == "Obuchowski, chi-square"


def test_level_of_the_paired_test() -> None:
    """Two equally good scores of the same cases: 5% of tests reject, 95% of intervals hold 0."""
    generator = np.random.default_rng(1)
    y, repeats = np.arange(120) < 50, 1500
    p = []
    for _ in range(repeats):
        shared = generator.normal(size=120)
        one, two = shared + generator.normal(size=(2, 120)) + 1.8 * y
        found = delong_test(y, one, two)
        p.append(found.p_value)
        assert (found.p_value < 0.05) == (not found.difference.low <= 0 <= found.difference.high)
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.07


def test_the_same_ranking_differs_by_nothing(cases: tuple[NDArray, NDArray]) -> None:
    y, scores = cases
    found = delong_test(y, scores[0], 2 * scores[0] + 1)
    assert (found.difference.estimate, found.p_value, found.statistic) == (0, 1, 0)
    with pytest.raises(ValueError, match="no variance"):
        roc_contrast(y, np.array([scores[0], 2 * scores[0]]).T)
    doubled = roc_contrast(y, np.array([scores[0], scores[1], scores[1]]).T)
    assert doubled.df == 1
    assert doubled.p_value == pytest.approx(delong_test(y, scores[1], scores[0]).p_value)


def test_perfect_separation_by_one_score(cases: tuple[NDArray, NDArray]) -> None:
    y, scores = cases
    found = delong_test(y, y, scores[0])
    assert found.auc1.estimate == 1 and 0.9 < found.auc1.low < 1
    assert 0 < found.p_value < 0.01 and found.difference.high <= 1
    with pytest.raises(ValueError, match="no variance"):
        delong_test(y, y, ~y)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"score2": [1, 2, 3]}, "score2 has 3 rows"),
        ({"score2": [1, np.nan, 3, 4]}, "NaN"),
        ({"score2": [[1], [2], [3], [4]]}, r"\(4, 1\)"),
        ({"score2": [1, 2, 3, 4], "method": "exact"}, "method"),
        ({"score2": [1, 2], "y2": [0, 1], "cluster": [1, 2, 3, 4]}, "leave y2 out"),
        ({"score2": [1, 2], "y2": [1, 1]}, "only class 1"),
    ],
)
def test_bad_pairs(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        delong_test([0, 1, 0, 1], [1, 3, 2, 4], **arguments)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"scores": np.ones((4, 1))}, "two or more"),
        ({"scores": np.eye(4)[:, :3], "contrast": [1, -1]}, r"expected \(rows, 3\)"),
        ({"scores": np.eye(4)[:, :2], "contrast": [0, 0]}, "zeros"),
        ({"scores": np.eye(4)[:, :2], "reference": "b"}, "expected one of score1"),
        ({"scores": np.eye(4)[:, :2], "reference": 2}, "index below 2"),
        ({"scores": {"a": [1, 2, 3, 4], "b": [1, 2]}}, "b has 2 rows"),
    ],
)
def test_bad_contrasts(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        roc_contrast([0, 1, 0, 1], **arguments)
    with pytest.raises(ValueError, match="two or more cases"):
        roc_contrast([0, 1], np.eye(2))
