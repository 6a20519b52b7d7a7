"""Several raters, missing ratings, ranks; repeated measurements and lines between two methods."""

from __future__ import annotations

import numpy as np
import pytest

from overread.stats.agreement import (
    cohen_kappa,
    deming_regression,
    gwet_ac,
    kendall_w,
    krippendorff_alpha,
    passing_bablok,
    repeatability_coefficient,
)

# Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011: four observers, twelve units.
NONE = np.nan
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
UNITS = np.array(OBSERVERS).T


@pytest.mark.parametrize(
    ("level", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_published_alpha(level, printed: float) -> None:  # type: ignore[no-untyped-def]
    found = krippendorff_alpha(UNITS, level=level)
    assert round(found.alpha.estimate, 3) == printed
    assert found.alpha.low < found.alpha.estimate < found.alpha.high and found.alpha.n == 11


def test_alpha_of_text_needs_an_order() -> None:
    rows = [["low", "mid"], ["mid", "mid"], ["high", "high"], ["low", "low"], [None, "high"]]
    with pytest.raises(ValueError, match="categories in their order"):
        krippendorff_alpha(rows, level="ordinal")
    found = krippendorff_alpha(rows, level="ordinal", categories=["low", "mid", "high"])
    assert found.alpha.n == 4
    with pytest.raises(ValueError, match="needs numbers"):
        krippendorff_alpha(rows, level="interval")


def test_published_ac() -> None:
    """Gwet's package irrCAC on the same ratings: AC1 .77544, its lower limit .46081; quadratic AC2 .91400, .68518."""
    plain, weighted = gwet_ac(UNITS), gwet_ac(UNITS, weights="quadratic")
    assert (plain.ac.estimate, plain.ac.low) == pytest.approx((0.77544, 0.46081), abs=6e-6)
    assert (plain.observed, plain.expected) == pytest.approx((0.81818, 0.19032), abs=6e-6)
    assert (weighted.ac.estimate, weighted.ac.low) == pytest.approx((0.91400, 0.68518), abs=6e-6)


def test_ac_stands_where_kappa_collapses() -> None:
    """118 of 125 agree on yes, nobody on no: kappa is below 0, AC1 is not (the paradox of Feinstein and Cicchetti)."""
    one = np.repeat([1, 1, 0], [118, 5, 2])
    two = np.repeat([1, 0, 1], [118, 5, 2])
    assert cohen_kappa(one, two).kappa.estimate < 0
    assert gwet_ac(np.column_stack([one, two])).ac.estimate == pytest.approx(0.9408, abs=5e-4)


def test_full_agreement_has_a_lower_limit_below_one() -> None:
    found = gwet_ac([[1, 1], [2, 2], [1, 1], [2, 2]])
    assert found.ac.estimate == 1 and 0 < found.ac.low < 1


def test_w_of_the_text_book() -> None:
    """Siegel and Castellan, Nonparametric Statistics, 1988, example 9.5: three raters, six subjects, W .162."""
    ranks = np.array([[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]]).T
    found = kendall_w(ranks)
    assert round(found.w.estimate, 3) == 0.162
    assert found.statistic == pytest.approx(3 * 5 * found.w.estimate) and found.df == 5


def test_w_with_ties_is_the_mean_rank_correlation() -> None:
    """With ties W = (1 + (m - 1) mean Spearman) / m only without them: beside it, ties lift the plain formula."""
    spearman = pytest.importorskip("scipy.stats").spearmanr
    scores = np.random.default_rng(0).normal(size=(9, 4))
    rho = spearman(scores).statistic
    mean = rho[np.triu_indices(4, 1)].mean()
    assert kendall_w(scores).w.estimate == pytest.approx((1 + 3 * mean) / 4)
    assert kendall_w(np.column_stack([[1, 1, 2, 2, 3]] * 3)).w.estimate == pytest.approx(1)


def test_repeatability_covers() -> None:
    generator = np.random.default_rng(5)
    truth = 1.959963984540054 * np.sqrt(2) * 0.8
    hits = 0
    for _ in range(400):
        times = generator.integers(1, 4, 15)
        subject = np.repeat(np.arange(15), times)
        values = generator.normal(20, 5, 15)[subject] + generator.normal(0, 0.8, len(subject))
        found = repeatability_coefficient(values, subject=subject)
        hits += found.coefficient.low <= truth <= found.coefficient.high
    assert 0.92 <= hits / 400 <= 0.98


def test_repeatability_of_growing_errors_is_relative() -> None:
    generator = np.random.default_rng(6)
    subject = np.repeat(np.arange(200), 2)
    values = np.exp(generator.uniform(0, 5, 200)[subject] + generator.normal(0, 0.1, 400))
    found = repeatability_coefficient(values, subject=subject, relative=True)
    assert found.within_sd.low <= 100 * np.expm1(0.1) <= found.within_sd.high
    with pytest.raises(ValueError, match="above 0"):
        repeatability_coefficient([1, -1, 2, 3], subject=[0, 0, 1, 1], relative=True)


def test_lines_through_exact_data() -> None:
    x = np.linspace(1, 30, 30)
    for found in (deming_regression(x, 2 * x + 3), passing_bablok(x, 2 * x + 3)):
        assert (found.slope.estimate, found.intercept.estimate) == pytest.approx((2, 3))


def test_deming_changes_place_with_its_inverse() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(10, 3, 60)
    y = 1.2 * x - 1 + generator.normal(0, 1, 60)
    one = deming_regression(x, y, variance_ratio=2.0)
    other = deming_regression(y, x, variance_ratio=0.5)
    assert one.slope.estimate == pytest.approx(1 / other.slope.estimate)


def test_deming_against_orthogonal_distance() -> None:
    """SciPy's orthogonal distance regression is the same line by another road."""
    odr = pytest.importorskip("scipy.odr")
    generator = np.random.default_rng(2)
    true = generator.normal(10, 3, 50)
    x, y = true + generator.normal(0, 0.5, 50), 1.1 * true - 0.5 + generator.normal(0, 1.0, 50)
    data = odr.RealData(x, y, sx=0.5, sy=1.0)
    theirs = odr.ODR(data, odr.Model(lambda b, v: b[0] * v + b[1]), beta0=[1.0, 0.0]).run().beta
    found = deming_regression(x, y, variance_ratio=0.25)
    assert (found.slope.estimate, found.intercept.estimate) == pytest.approx(tuple(theirs), rel=1e-5)


def test_passing_bablok_covers_and_bears_outliers() -> None:
    generator = np.random.default_rng(4)
    hits = 0
    for _ in range(200):
        true = generator.uniform(5, 50, 40)
        x, y = true + generator.normal(0, 1, 40), true + generator.normal(0, 1, 40)
        hits += passing_bablok(x, y).slope.low <= 1 <= passing_bablok(x, y).slope.high
    assert 0.91 <= hits / 200 <= 0.99
    y[0] += 500
    assert passing_bablok(x, y).slope.estimate == pytest.approx(1, abs=0.1)


def test_passing_bablok_by_hand() -> None:
    """All slopes between two of five points: six of ten lie above .9 and below 1.2; their shifted median."""
    x, y = np.array([1.0, 2, 3, 4, 6]), np.array([1.1, 1.9, 3.2, 4.0, 6.1])
    slopes = sorted((y[j] - y[i]) / (x[j] - x[i]) for i in range(5) for j in range(i + 1, 5))
    found = passing_bablok(x, y, confidence=0.5)
    assert found.slope.estimate == pytest.approx((slopes[4] + slopes[5]) / 2)
    assert found.intercept.estimate == pytest.approx(np.median(y - found.slope.estimate * x))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: gwet_ac([[1, 1], [1, 1]]), "one category"),
        (lambda: gwet_ac([[1, None], [2, None]]), "0 subjects have two ratings"),
        (lambda: gwet_ac([1, 2]), r"\(subjects, raters\)"),
        (lambda: gwet_ac([[1, 2], [3, 1]], categories=[1, 2]), "3, which is not among"),
        (lambda: krippendorff_alpha([[1, 1], [1, 1]]), "one category"),
        (lambda: krippendorff_alpha([[-1, 1], [1, 1]], level="ratio"), "0 or more"),
        (lambda: kendall_w([[1, 1], [1, 2], [1, 3]]), "rater 0 scores all subjects alike"),
        (lambda: repeatability_coefficient([1, 2], subject=[0, 1]), "two measurements"),
        (lambda: repeatability_coefficient([1, 1], subject=[0, 0]), "no spread"),
        (lambda: deming_regression([1, 1, 1, 1], [1, 2, 3, 4]), "constant"),
        (lambda: deming_regression([1, 2, 3, 4], [1, 2, 3, 4], variance_ratio=0), "above 0"),
        (lambda: passing_bablok([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]), "do not rise together"),
        (lambda: passing_bablok([1, 2, 3, 4], [1, 2, 3, 4.5]), "too few"),
    ],
)
def test_what_cannot_be_computed(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        call()
