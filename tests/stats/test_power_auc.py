from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from overread.stats.power import (
    auc_difference,
    auc_goal,
    auc_precision,
    auc_standard_error,
    detectable_auc,
)
from overread.stats.roc import auc, delong_test


def test_hanley_and_mcneil() -> None:
    """Hanley and McNeil, Radiology 1982;143:29, and their sizes of 40 and 60 a group at an area of .85."""
    assert auc_standard_error(auc=0.85, positives=40, negatives=40) == pytest.approx(0.0437374919, rel=1e-6)
    assert auc_standard_error(auc=0.85, positives=60, negatives=60) == pytest.approx(0.0356096875, rel=1e-6)
    assert auc_standard_error(auc=0.8931710615, positives=51, negatives=58) == pytest.approx(
        0.0324865796, rel=1e-6
    )


def test_one_area_against_chance() -> None:
    """Numbers of pROC's tests (Obuchowski et al. 2004)."""
    assert auc_goal(auc=0.73, positives=41, negatives=72).power == pytest.approx(0.9897453, abs=1e-6)
    found = auc_goal(auc=0.7313686, power=0.95, ratio=1.7, round_up=False)
    assert found.groups["positive"] == pytest.approx(29.29764, rel=1e-6)
    assert found.groups["negative"] == pytest.approx(49.806, rel=1e-5)
    assert detectable_auc(positives=41, negatives=72, power=0.95) == pytest.approx(0.6961054, abs=1e-5)


@pytest.mark.parametrize(
    ("ratio", "positives", "negatives"),
    [
        (0.25, (334, 80), (84, 20)),
        (0.5, (202, 49), (101, 25)),
        (1, (135, 33), (135, 33)),
        (2, (102, 25), (203, 50)),
    ],
)
def test_table_of_sizes(ratio: float, positives: tuple[int, int], negatives: tuple[int, int]) -> None:
    """Obuchowski et al., Clin Chem 2004;50:1118, table 4: power .9, one-sided .05, areas .6 and .7."""
    for k, area in enumerate((0.6, 0.7)):
        found = auc_goal(auc=area, power=0.9, ratio=ratio, alternative="greater", round_up=False)
        assert np.ceil(found.groups["positive"]) == positives[k]
        assert np.ceil(found.groups["negative"]) == negatives[k]


def test_precision_of_an_area() -> None:
    """Riley et al. 2021 (C-statistic .8, prevalence .018, width .1) with Newcombe's standard error."""
    assert auc_precision(auc=0.8, half_width=0.05, prevalence=0.018, method="newcombe").n == 4252
    # Hajian-Tilaki's binormal formula gives the same as the definition at any n.
    back = auc_precision(auc=0.8, n=400, prevalence=0.3, method="obuchowski")
    assert back.half_width == pytest.approx(
        1.959964 * auc_standard_error(auc=0.8, positives=120, negatives=280, method="obuchowski")
    )
    assert (back.groups["positive"], back.groups["negative"]) == (120, 280)


def binormal(
    generator: np.random.Generator, areas: tuple[float, float], correlation: float, m: int, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two tests on m positive and n negative cases."""
    spread = np.linalg.cholesky([[1, correlation], [correlation, 1]])
    scores = generator.normal(size=(m + n, 2)) @ spread.T
    scores[:m] += np.sqrt(2) * ndtri(areas)
    return np.repeat([1, 0], [m, n]), scores


def test_power_of_a_paired_comparison_by_simulation() -> None:
    generator = np.random.default_rng(4)
    planned = auc_difference(
        auc1=0.8, auc2=0.88, correlation_positive=0.5, correlation_negative=0.5, ratio=1.5, power=0.8
    )
    m, n = int(planned.groups["positive"]), int(planned.groups["negative"])
    hits = 0
    for _ in range(400):
        y, scores = binormal(generator, (0.8, 0.88), 0.5, m, n)
        hits += delong_test(y, scores[:, 0], scores[:, 1]).p_value < 0.05
    assert 0.74 <= hits / 400 <= 0.9
    assert planned.power is not None and 0.8 <= planned.power < 0.82


def test_covariance_of_two_areas_by_simulation() -> None:
    """The binormal covariance, seen through the standard deviation of the difference of two areas."""
    generator = np.random.default_rng(5)
    areas, m, n = (0.7, 0.85), 60, 120
    differences = []
    for _ in range(1500):
        y, scores = binormal(generator, areas, 0.6, m, n)
        ranks = [auc(y, scores[:, k]).estimate for k in range(2)]
        differences.append(ranks[1] - ranks[0])
    sd = float(np.std(differences))
    # Power is Phi((d - z se0) / se1); at alpha 1/2 one-sided z is 0 and it gives d / se1.
    half = auc_difference(
        auc1=areas[0],
        auc2=areas[1],
        correlation_positive=0.6,
        correlation_negative=0.6,
        positives=m,
        negatives=n,
        alpha=0.5,
        alternative="greater",
    )
    assert half.power is not None
    assert 0.15 / float(ndtri(half.power)) == pytest.approx(sd, rel=0.08)


def test_correlation_of_the_areas() -> None:
    """Closed form: equal standard errors s and correlation r give a variance of 2 s^2 (1 - r)."""
    found = auc_difference(auc1=0.8, auc2=0.80001, correlation=0.4, positives=100, negatives=100, alpha=0.05)
    s = auc_standard_error(auc=0.8, positives=100, negatives=100, method="binormal")
    assert found.power == pytest.approx(ndtr(1e-5 / (s * 1.2**0.5) - 1.959964), rel=1e-4)
    more = auc_difference(auc1=0.8, auc2=0.9, correlation=0.6).n
    assert more < auc_difference(auc1=0.8, auc2=0.9, correlation=0.0).n


@pytest.mark.parametrize("method", ["binormal", "hanley-mcneil", "newcombe"])
@pytest.mark.parametrize("area", [0.6, 0.75, 0.9])
def test_standard_errors_by_simulation(method: str, area: float) -> None:
    generator = np.random.default_rng(6)
    areas = [auc(*_one(generator, area, 40, 80)).estimate for _ in range(600)]
    expected = auc_standard_error(auc=area, positives=40, negatives=80, method=method)  # type: ignore[arg-type]
    assert expected == pytest.approx(float(np.std(areas)), rel=0.12 if method == "binormal" else 0.25)


def _one(generator: np.random.Generator, area: float, m: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    y, scores = binormal(generator, (area, area), 0.0, m, n)
    return y, scores[:, 0]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: auc_goal(auc=0.8, goal=0.8), "equals"),
        (lambda: auc_goal(auc=0.6, goal=0.7, alternative="greater"), "greater"),
        (lambda: auc_goal(auc=1.2), "auc"),
        (lambda: auc_goal(auc=0.8, positives=10), "both"),
        (lambda: auc_goal(auc=0.8, method="delong"), "obuchowski"),  # type: ignore[arg-type]
        (lambda: auc_difference(auc1=0.8, auc2=0.8), "equals"),
        (lambda: auc_difference(auc1=0.8, auc2=0.9, correlation=1.0), "correlation"),
        (
            lambda: auc_difference(auc1=0.8, auc2=0.9, correlation=0.3, correlation_positive=0.5),
            "correlation",
        ),
        (lambda: auc_precision(auc=0.8), "exactly one"),
        (lambda: detectable_auc(positives=2, negatives=2, power=0.999), "no AUC"),
    ],
)
def test_what_cannot_be(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        call()
