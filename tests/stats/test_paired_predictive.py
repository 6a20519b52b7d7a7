from __future__ import annotations

import numpy as np
import pytest

from overread.stats.diagnostic import compare_predictive_values

# Coronary Artery Surgery Study, as in Leisenring, Alonzo and Pepe, Biometrics 2000;56:345: truth, stress test, pain.
CELLS = [(1, 1, 1, 473), (1, 1, 0, 29), (1, 0, 1, 81), (1, 0, 0, 25)]
CELLS += [(0, 1, 1, 22), (0, 1, 0, 46), (0, 0, 1, 44), (0, 0, 0, 151)]
DISEASE, STRESS, PAIN = np.repeat(np.array(CELLS)[:, :3], np.array(CELLS)[:, 3], axis=0).T


def test_published_comparison() -> None:
    """Kosinski, Stat Med 2013;32:964: weighted statistics .81 (PPV) and 22.50 (NPV)."""
    positive = compare_predictive_values(DISEASE, STRESS, PAIN)
    negative = compare_predictive_values(DISEASE, STRESS, PAIN, value="npv")
    assert (round(positive.statistic, 2), round(negative.statistic, 2)) == (0.81, 22.50)
    assert (round(positive.first.estimate, 3), round(positive.second.estimate, 3)) == (0.881, 0.894)
    assert (round(negative.first.estimate, 3), round(negative.second.estimate, 3)) == (0.648, 0.785)


@pytest.mark.parametrize("value", ["ppv", "npv"])
def test_the_score_is_that_of_marginal_regression(value) -> None:  # type: ignore[no-untyped-def]
    """statsmodels: the score test of the test's kind in generalised estimating equations, cases as groups."""
    sm = pytest.importorskip("statsmodels.api")
    call = 1 if value == "ppv" else 0
    one, two = np.flatnonzero(call == STRESS), np.flatnonzero(call == PAIN)
    y = np.concatenate([DISEASE[one], DISEASE[two]])
    kind = np.repeat([0, 1], [len(one), len(two)])
    groups = np.concatenate([one, two])
    family = sm.families.Binomial()
    null = sm.GEE(y, np.ones((len(y), 1)), groups=groups, family=family).fit()
    model = sm.GEE(y, np.column_stack([np.ones(len(y)), kind]), groups=groups, family=family)
    model.fit()
    theirs = model.compare_score_test(null)
    found = compare_predictive_values(DISEASE, STRESS, PAIN, value=value, method="score")
    assert (found.statistic, found.p_value) == pytest.approx(
        (theirs["statistic"], theirs["p-value"]), rel=1e-6
    )


def test_the_level_holds_for_small_samples() -> None:
    generator = np.random.default_rng(11)
    rejected = 0
    for _ in range(600):
        truth = generator.random(150) < 0.4
        tests = [np.where(generator.random(150) < 0.8, truth, generator.random(150) < 0.3) for _ in range(2)]
        rejected += compare_predictive_values(truth, *tests).p_value < 0.05
    assert rejected / 600 < 0.075


def test_a_test_does_not_differ_from_itself() -> None:
    found = compare_predictive_values(DISEASE, STRESS, STRESS)
    assert (found.statistic, found.p_value) == (0, 1)
    assert (found.difference.low, found.difference.high) == (0, 0)


def test_clusters_widen_the_limits() -> None:
    times = 3
    patient = np.repeat(np.arange(len(DISEASE)), times)
    many = [np.repeat(v, times) for v in (DISEASE, STRESS, PAIN)]
    found = compare_predictive_values(*many, method="score", cluster=patient)
    alone = compare_predictive_values(DISEASE, STRESS, PAIN, method="score")
    assert found.statistic == pytest.approx(alone.statistic)
    assert found.difference.low == pytest.approx(alone.difference.low)
    with pytest.raises(ValueError, match="use 'score'"):
        compare_predictive_values(*many, cluster=patient)


def test_a_test_that_never_calls_has_no_value() -> None:
    with pytest.raises(ValueError, match="second calls no case positive"):
        compare_predictive_values([0, 1, 1], [0, 1, 1], [0, 0, 0])
