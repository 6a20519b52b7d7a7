from __future__ import annotations

import numpy as np
import pytest

from overread.stats.power import (
    cluster_randomised_means,
    cluster_randomised_proportions,
    cluster_survey_one_stage,
    cluster_survey_two_stage,
    design_effect,
    two_proportions,
)


@pytest.mark.parametrize(
    ("more", "clusters", "effect"),
    [
        ({}, 67, 15.8),
        ({"cluster_size_sd": 35}, 81, 19.0666666667),
        ({"cluster_size_sd": 35, "clusters_in_population": 220}, 60, 19.0666666667),
    ],
)
def test_one_stage_survey(more: dict, clusters: int, effect: float) -> None:
    """Villages of 75 households, 46% +- a tenth of it, icc .2, 90% confidence; numbers of epiR."""
    found = cluster_survey_one_stage(
        proportion=0.46, cluster_size=75, icc=0.2, precision=0.1, relative=True, confidence=0.9, **more
    )
    assert found.clusters == clusters
    assert found.design_effect == pytest.approx(effect)
    assert found.n == clusters * 75 and found.note == ""


def test_two_stage_survey() -> None:
    """Bennett et al. 1991, p. 102: 20% within 5 points, 20 of each cluster, icc .02: 17 clusters."""
    found = cluster_survey_two_stage(proportion=0.2, cluster_size=20, icc=0.02, precision=0.05)
    assert found.clusters == 17 and found.design_effect == pytest.approx(1.38)
    assert "fewer than 25" in found.note


def test_surveys_of_a_mean() -> None:
    """Levy and Lemeshow 1999, p. 258 and 292; numbers of epiR."""
    assert (
        cluster_survey_one_stage(
            proportion=None, cluster_size=25, icc=0.1, precision=0.1, relative=True, mean=34, sd=5.5
        ).clusters
        == 2
    )
    found = cluster_survey_two_stage(
        proportion=None,
        cluster_size=2,
        icc=0.02,
        precision=0.3,
        relative=True,
        mean=28,
        sd=160**0.5,
        clusters_in_population=5,
    )
    assert found.clusters == 3


def test_cluster_randomised() -> None:
    """30% against 20%, clusters of 20 with icc .05: 571.6 an arm, 29 clusters an arm."""
    found = cluster_randomised_proportions(p1=0.3, p2=0.2, cluster_size=20, icc=0.05)
    assert found.individual_n_per_arm == pytest.approx(293.15129, rel=1e-6)
    assert found.n_per_arm == pytest.approx(571.6425, rel=1e-4)
    assert found.clusters_per_arm == 29 and found.clusters == 58 and found.n == 1160
    assert (found.power or 0) >= 0.8
    fewer = cluster_randomised_proportions(p1=0.3, p2=0.2, cluster_size=20, icc=0.05, clusters_per_arm=28)
    assert (fewer.power or 1) < 0.8


def test_unequal_clusters_need_more() -> None:
    """Eldridge et al. 2006: a coefficient of variation of .65 with m 20, icc .05 inflates 1.95 to 2.3725."""
    assert design_effect(cluster_size=20, icc=0.05, cv=0.65) == pytest.approx(
        1 + ((1 + 0.65**2) * 20 - 1) * 0.05
    )
    even = cluster_randomised_proportions(p1=0.3, p2=0.2, cluster_size=20, icc=0.05).clusters
    assert cluster_randomised_proportions(p1=0.3, p2=0.2, cluster_size=20, icc=0.05, cv=0.65).clusters > even


def test_no_clustering_is_the_plain_design() -> None:
    assert design_effect(cluster_size=1, icc=0.3) == 1 and design_effect(cluster_size=20, icc=0.0) == 1
    plain = two_proportions(p1=0.3, p2=0.2, n=1160, design_effect=1.95)
    assert plain.power == pytest.approx(
        cluster_randomised_proportions(p1=0.3, p2=0.2, cluster_size=20, icc=0.05).power
    )


def test_power_of_few_clusters_by_simulation() -> None:
    """A t test of cluster means has the power that the small-sample form plans."""
    planned = cluster_randomised_means(difference=0.5, sd=1.0, cluster_size=10, icc=0.1, small_sample=True)
    normal = cluster_randomised_means(difference=0.5, sd=1.0, cluster_size=10, icc=0.1)
    assert (planned.clusters_per_arm or 0) > (normal.clusters_per_arm or 0)
    k, generator = int(planned.clusters_per_arm or 0), np.random.default_rng(0)
    sd = np.sqrt(0.1 + 0.9 / 10)
    a, b = generator.normal(0.5, sd, (4000, k)), generator.normal(0.0, sd, (4000, k))
    t = (a.mean(1) - b.mean(1)) / np.sqrt((a.var(1, ddof=1) + b.var(1, ddof=1)) / k)
    from scipy.stats import t as student

    power = np.mean(2 * student.sf(np.abs(t), 2 * k - 2) < 0.05)
    assert power == pytest.approx(planned.power, abs=0.02)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: design_effect(cluster_size=20, icc=1.5), "icc"),
        (lambda: design_effect(cluster_size=0, icc=0.1), "cluster_size"),
        (lambda: design_effect(cluster_size=20, icc=0.1, cv=-1), "cv"),
        (lambda: cluster_survey_one_stage(proportion=None, cluster_size=20, icc=0.1), "either proportion"),
        (
            lambda: cluster_survey_one_stage(proportion=0.2, cluster_size=20, icc=0.1, mean=3, sd=1),
            "either proportion",
        ),
        (
            lambda: cluster_survey_one_stage(proportion=0.2, cluster_size=20, icc=0.1, precision=0),
            "precision",
        ),
        (lambda: cluster_randomised_proportions(p1=0.3, p2=0.3, cluster_size=20, icc=0.1), "difference is 0"),
    ],
)
def test_what_cannot_be(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        call()
