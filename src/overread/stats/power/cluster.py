"""Clusters: design effects, cluster surveys and cluster-randomised comparisons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import nct
from scipy.stats import t as student

from overread.stats.arrays import check_confidence
from overread.stats.power.result import (
    Alternative,
    check_choice,
    check_open,
    check_positive,
    whole,
    z_alpha,
)
from overread.stats.power.two_arms import two_means, two_proportions


@dataclass(frozen=True)
class ClusterSize:
    """How many clusters, and cases in them; ``design_effect`` is the price of clustering.

    ``clusters`` and ``n`` are totals; in a comparison of two arms ``clusters_per_arm`` and ``n_per_arm`` hold
    for each arm, ``n_per_arm`` before the clusters are rounded up.
    """

    clusters: float
    n: float
    design_effect: float
    method: str
    power: float | None = None
    clusters_per_arm: float | None = None
    n_per_arm: float | None = None
    individual_n_per_arm: float | None = None
    assumptions: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def design_effect(*, cluster_size: float, icc: float, cv: float = 0.0) -> float:
    """Inflation of the variance by clusters: 1 + ((1 + cv^2) m - 1) icc.

    ``cluster_size`` is the mean m, ``cv`` the coefficient of variation of the sizes (Eldridge, Ashby and
    Kerry, Int J Epidemiol 2006;35:1292); with equal sizes 1 + (m - 1) icc (Kish 1965).
    """
    check_positive("cluster_size", cluster_size)
    if not 0 <= icc <= 1:
        raise ValueError(f"icc is {icc}, expected 0 to 1")
    if not cv >= 0:
        raise ValueError(f"cv is {cv}, expected 0 or more")
    return float(1 + ((1 + cv**2) * cluster_size - 1) * icc)


def cluster_survey_one_stage(
    *,
    proportion: float | None = None,
    cluster_size: float = 1.0,
    icc: float = 0.0,
    precision: float = 0.05,
    relative: bool = False,
    cluster_size_sd: float = 0.0,
    clusters_in_population: int | None = None,
    confidence: float = 0.95,
    mean: float | None = None,
    sd: float | None = None,
    round_up: bool = True,
) -> ClusterSize:
    """Clusters, all of whose members are examined, for a prevalence (or mean) known within ``precision``.

    ``precision`` is the half width, absolute or ``relative`` to the value. Simple random size times the
    design effect over the mean ``cluster_size``, with Cochran's correction n / (1 + n / N) for a finite
    number of clusters (Levy and Lemeshow 1999; Machin et al. 2018). For a mean give ``mean`` and ``sd``.
    """
    return _survey("one-stage cluster survey", **locals())


def cluster_survey_two_stage(
    *,
    proportion: float | None = None,
    cluster_size: float = 1.0,
    icc: float = 0.0,
    precision: float = 0.05,
    relative: bool = False,
    cluster_size_sd: float = 0.0,
    clusters_in_population: int | None = None,
    confidence: float = 0.95,
    mean: float | None = None,
    sd: float | None = None,
    round_up: bool = True,
) -> ClusterSize:
    """As ``cluster_survey_one_stage`` where only ``cluster_size`` members of each cluster are drawn.

    Bennett et al. (World Health Stat Q 1991;44:98).
    """
    return _survey("two-stage cluster survey", **locals())


def cluster_randomised_proportions(
    *,
    p1: float,
    p2: float,
    cluster_size: float,
    icc: float,
    cv: float = 0.0,
    power: float = 0.8,
    clusters_per_arm: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    method: Literal["pooled", "unpooled", "arcsine"] = "pooled",
) -> ClusterSize:
    """Clusters per arm to show that two proportions differ, or the power of ``clusters_per_arm``.

    The individually randomised size times ``design_effect(cluster_size, icc, cv)``, in whole clusters (Donner
    and Klar, Design and Analysis of Cluster Randomization Trials, 2000; unequal sizes: Eldridge et al. 2006).
    Fewer than about 20 clusters an arm need a t-based correction: see ``cluster_randomised_means``.
    """
    effect = design_effect(cluster_size=cluster_size, icc=icc, cv=cv)
    single = two_proportions(
        p1=p1,
        p2=p2,
        power=power,
        n=None,
        alpha=alpha,
        alternative=alternative,
        ratio=1.0,
        method=method,
        round_up=False,
    )

    def achieved(per_arm: float) -> float:
        found = two_proportions(
            p1=p1,
            p2=p2,
            power=power,
            n=2 * per_arm,
            alpha=alpha,
            alternative=alternative,
            ratio=1.0,
            method=method,
            design_effect=effect,
        )
        return float(found.power or 0.0)

    return _randomised(
        "proportions",
        single.n / 2,
        effect,
        cluster_size,
        clusters_per_arm,
        achieved,
        {"p1": p1, "p2": p2, "icc": icc, "cv": cv, "alpha": alpha, "power": power},
    )


def cluster_randomised_means(
    *,
    difference: float,
    sd: float,
    cluster_size: float,
    icc: float,
    cv: float = 0.0,
    power: float = 0.8,
    clusters_per_arm: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    small_sample: bool = False,
) -> ClusterSize:
    """Clusters per arm to show that two means differ, or the power of ``clusters_per_arm``.

    As ``cluster_randomised_proportions``. ``small_sample``: noncentral t with 2 (clusters - 1) degrees of
    freedom instead of the normal distribution, for few clusters.
    """
    effect = design_effect(cluster_size=cluster_size, icc=icc, cv=cv)
    single = two_means(
        difference=difference,
        sd=sd,
        power=power,
        n=None,
        alpha=alpha,
        alternative=alternative,
        ratio=1.0,
        method="normal",
        round_up=False,
    )

    def achieved(per_arm: float) -> float:
        shift = abs(difference) / sd * np.sqrt(per_arm / effect / 2)
        if not small_sample:
            return float(ndtr(shift - z_alpha(alpha, alternative)))
        df = 2 * (per_arm / cluster_size - 1)
        tail = alpha / 2 if alternative == "two-sided" else alpha
        return float(nct.sf(student.isf(tail, df), df, shift)) if df > 0 else 0.0

    given = clusters_per_arm
    if given is None and small_sample:
        given = max(2, whole(single.n / 2 * effect / cluster_size))
        while achieved(given * cluster_size) < power:
            given += 1
    return _randomised(
        "means",
        single.n / 2,
        effect,
        cluster_size,
        given,
        achieved,
        {"difference": difference, "sd": sd, "icc": icc, "cv": cv, "alpha": alpha, "power": power},
    )


def _randomised(
    what: str,
    single: float,
    effect: float,
    size: float,
    clusters: float | None,
    achieved: Any,
    assumptions: dict[str, Any],
) -> ClusterSize:
    needed = single * effect
    per_arm = clusters if clusters is not None else whole(needed / size)
    check_positive("clusters_per_arm", per_arm)
    return ClusterSize(
        clusters=2 * per_arm,
        n=2 * per_arm * size,
        design_effect=effect,
        method=f"cluster-randomised comparison of two {what}",
        power=achieved(per_arm * size),
        clusters_per_arm=per_arm,
        n_per_arm=needed,
        individual_n_per_arm=single,
        assumptions={**assumptions, "cluster_size": size},
        note="fewer than 20 clusters an arm: a normal test is optimistic" if per_arm < 20 else "",
    )


def _survey(
    method: str,
    proportion: float | None,
    cluster_size: float,
    icc: float,
    precision: float,
    relative: bool,
    cluster_size_sd: float,
    clusters_in_population: int | None,
    confidence: float,
    mean: float | None,
    sd: float | None,
    round_up: bool,
) -> ClusterSize:
    check_confidence(confidence)
    check_positive("precision", precision)
    check_positive("cluster_size", cluster_size)
    check_choice("method", method, ("one-stage cluster survey", "two-stage cluster survey"))
    effect = design_effect(cluster_size=cluster_size, icc=icc, cv=cluster_size_sd / cluster_size)
    if proportion is not None and mean is None and sd is None:
        check_open("proportion", proportion)
        value, variance = proportion, proportion * (1 - proportion)
    elif proportion is None and mean is not None and sd is not None:
        check_positive("sd", sd)
        value, variance = abs(mean), sd**2
    else:
        raise ValueError("give either proportion, or mean and sd")
    half = precision * value if relative else precision
    z = float(ndtri(0.5 + confidence / 2))
    clusters = z**2 * variance / half**2 * effect / cluster_size
    if clusters_in_population is not None:
        check_positive("clusters_in_population", clusters_in_population)
        clusters = clusters / (1 + clusters / clusters_in_population)
    clusters = whole(clusters, round_up=round_up)
    return ClusterSize(
        clusters=clusters,
        n=whole(clusters * cluster_size, round_up=round_up),
        design_effect=effect,
        method=method,
        assumptions={
            "proportion": proportion,
            "mean": mean,
            "sd": sd,
            "cluster_size": cluster_size,
            "cluster_size_sd": cluster_size_sd,
            "icc": icc,
            "precision": precision,
            "relative": relative,
            "clusters_in_population": clusters_in_population,
            "confidence": confidence,
        },
        note="fewer than 25 clusters: the interval is likely too narrow" if clusters < 25 else "",
    )
