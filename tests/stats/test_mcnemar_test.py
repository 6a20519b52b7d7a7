from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from overread.stats.diagnostic import mcnemar, mcnemar_clustered
from overread.stats.intervals import paired_difference_ci

# Presidential approval, two surveys of the same 1600 people (Agresti, Categorical Data Analysis, chapter 10).
APPROVAL = [[794, 150], [86, 570]]


def test_published_mcnemar() -> None:
    plain, corrected = mcnemar(APPROVAL, correction=False), mcnemar(APPROVAL, correction=True)
    exact = mcnemar(APPROVAL, exact=True)
    assert (plain.statistic, plain.p_value) == pytest.approx((17.3559322, 3.09929344e-05), rel=1e-6)
    assert (corrected.statistic, corrected.p_value) == pytest.approx((16.81779661, 4.11456228e-05), rel=1e-6)
    assert exact.p_value == pytest.approx(3.71593614e-05, rel=1e-6)
    assert (exact.difference.low, exact.difference.high) == pytest.approx(
        (0.0213615648, 0.0589980333), rel=1e-6
    )
    assert exact.odds_ratio is not None and exact.odds_ratio.estimate == pytest.approx(150 / 86)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(any))
def test_mcnemar_agrees_with_statsmodels(cells: list[int]) -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    table = np.reshape(cells, (2, 2))
    b, c = cells[1], cells[2]
    exact = mcnemar(table, exact=True)
    if b + c:
        theirs = tables.mcnemar(table, exact=True)
        assert (exact.statistic, exact.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
        for correction in (False, True):
            if correction and b == c:
                continue  # no correction of an exact tie, as in R
            theirs = tables.mcnemar(table, exact=False, correction=correction)
            ours = mcnemar(table, correction=correction)
            assert (ours.statistic, ours.p_value) == pytest.approx(
                (theirs.statistic, theirs.pvalue), abs=1e-12
            )
    else:
        assert exact.p_value == mcnemar(table).p_value == 1 and exact.odds_ratio is None
    if b == c:
        assert mcnemar(table).p_value == 1
    assert exact.difference == paired_difference_ci(table)


def test_clusters_of_one_image_are_the_plain_test() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(400) < 0.8, generator.random(400) < 0.7
    table = [
        [(first & second).sum(), (first & ~second).sum()],
        [(~first & second).sum(), (~first & ~second).sum()],
    ]
    plain, clustered = (
        mcnemar(table, correction=False),
        mcnemar_clustered(first, second, cluster=np.arange(400)),
    )
    assert clustered.statistic**2 == pytest.approx(plain.statistic, rel=5e-3)
    assert clustered.p_value == pytest.approx(plain.p_value, rel=0.05)
    assert (clustered.difference.low, clustered.difference.high) == pytest.approx(
        (plain.difference.low, plain.difference.high), abs=2e-3
    )


def test_clustered_test_keeps_its_level_and_limits() -> None:
    """50 patients with six images each that are read right or wrong together; no difference between the tests."""
    generator = np.random.default_rng(1)
    cluster = np.repeat(np.arange(50), 6)
    rejected = naive = covered = 0
    for _ in range(1500):
        lean = generator.normal(size=50)[cluster] * 0.25
        first = generator.random(300) < 0.75 + lean.clip(-0.25, 0.25)
        second = generator.random(300) < 0.75 - lean.clip(-0.25, 0.25)
        found = mcnemar_clustered(first, second, cluster=cluster)
        rejected += found.p_value <= 0.05
        covered += found.difference.low <= 0 <= found.difference.high
        b, c = (first & ~second).sum(), (~first & second).sum()
        naive += (b - c) ** 2 / (b + c) > 3.84
    assert 0.03 <= rejected / 1500 <= 0.07 and 0.93 <= covered / 1500 <= 0.97
    assert naive / 1500 > 0.1


def test_bad_pairs() -> None:
    with pytest.raises(ValueError, match="NaN"):
        mcnemar_clustered([1, np.nan], [0, 1], cluster=[1, 2])
    with pytest.raises(ValueError, match="one cluster"):
        mcnemar_clustered([1, 0], [0, 1], cluster=[1, 1])
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        mcnemar([[1, 2], [3, 4], [5, 6]])
    assert mcnemar_clustered([1, 0, 1], [1, 0, 1], cluster=[1, 2, 3]).p_value == 1


def test_published_mid_p() -> None:
    """Airway hyper-responsiveness before and after transplantation (Fagerland et al. 2013, table 3)."""
    table = [[1, 1], [7, 12]]
    assert mcnemar(table, correction=False).p_value == pytest.approx(0.034, abs=5e-4)
    assert mcnemar(table).p_value == pytest.approx(0.077, abs=5e-4)
    assert mcnemar(table, exact=True).p_value == pytest.approx(0.070, abs=5e-4)
    assert mcnemar(table, mid_p=True).p_value == pytest.approx(0.039, abs=5e-4)
    assert mcnemar([[3, 4], [4, 3]], mid_p=True).p_value == mcnemar([[3, 0], [0, 3]], mid_p=True).p_value == 1


def test_published_clustered_tests() -> None:
    """Specificity of PET and SPECT in 21 patients' glands (Obuchowski 1998), as the R package clust.bin.pair has it."""
    pet = "000 110 111 1 110 1111 111 11 11 1 110 11 111 11 00 110 110 110 11 1 11"
    spect = "011 111 111 1 111 1111 111 11 10 1 110 11 111 11 11 110 110 111 11 1 11"
    cluster = np.repeat(np.arange(21), [len(glands) for glands in pet.split()])
    first, second = ([int(v) for v in glands if v != " "] for glands in (pet, spect))
    expected = {"obuchowski": 2.85714286, "yang": 3.13165974, "durkalski": 2.31506849}
    for method, statistic in expected.items():
        found = mcnemar_clustered(first, second, cluster=cluster, method=method)  # type: ignore[arg-type]
        assert found.statistic == pytest.approx(statistic, rel=1e-8)
        assert found.p_value == pytest.approx(chi2.sf(statistic, 1))
    student = mcnemar_clustered(first, second, cluster=cluster)
    assert student.statistic**2 == pytest.approx(expected["obuchowski"])
    assert student.p_value > chi2.sf(expected["obuchowski"], 1)
    with pytest.raises(ValueError, match="method is 'wald'"):
        mcnemar_clustered(first, second, cluster=cluster, method="wald")  # type: ignore[arg-type]
