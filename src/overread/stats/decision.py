"""Decision curves: what acting on a prediction is worth, in true positives per case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import (
    Bools,
    Floats,
    as_binary,
    as_columns,
    as_floats,
    as_groups,
    as_probabilities,
    as_weights,
    check_confidence,
    same_length,
    unit_count,
)
from overread.stats.bootstrap import resample_counts, resampling_name
from overread.stats.interval import Interval

__all__ = ["THRESHOLDS", "DecisionCurve", "NetBenefitCurve", "decision_curve", "net_benefit"]

THRESHOLDS = tuple(round(0.01 * k, 2) for k in range(1, 100))


@dataclass(frozen=True)
class NetBenefitCurve:
    """Net benefit of one way to decide, at each threshold.

    ``standardized`` is net benefit over prevalence, at most 1. ``interventions_avoided``: unnecessary interventions
    spared per case against treating all, at equal true positives (Vickers and Elkin 2006); None at threshold 0.
    """

    net_benefit: tuple[Interval, ...]
    standardized: tuple[Interval, ...]
    interventions_avoided: tuple[Interval | None, ...]


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit at ``thresholds`` (t,) of each model by name, of treating all; treating none has 0 throughout."""

    thresholds: Floats
    prevalence: float
    models: dict[str, NetBenefitCurve]
    treat_all: NetBenefitCurve
    treat_none: NetBenefitCurve

    @property
    def model(self) -> NetBenefitCurve:
        """The curve where there is one model only; ValueError where there are several."""
        if len(self.models) != 1:
            raise ValueError(f"the curve has {len(self.models)} models; take one from models by its name")
        return next(iter(self.models.values()))


def net_benefit(
    y: ArrayLike,
    p: ArrayLike,
    *,
    threshold: float,
    prevalence: float | None = None,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Net benefit of treating where ``p`` >= ``threshold``; the one point of ``decision_curve``."""
    curve = decision_curve(
        y,
        p,
        thresholds=[threshold],
        prevalence=prevalence,
        weights=weights,
        cluster=cluster,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    return curve.model.net_benefit[0]


def decision_curve(
    y: ArrayLike,
    p: ArrayLike | Mapping[str, ArrayLike],
    *,
    thresholds: ArrayLike = THRESHOLDS,
    prevalence: float | None = None,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> DecisionCurve:
    """Net benefit over thresholds (Vickers and Elkin, Med Decis Making 2006;26:565).

    Net benefit = sensitivity x prevalence - (1 - specificity) x (1 - prevalence) x t / (1 - t), with "positive"
    where p >= t. It is in true positives per case: .05 is worth five true positives, no false one, in 100 cases.

    Parameters
    ----------
    y
        (n,), 0 and 1.
    p
        (n,), probability of class 1, or 0 and 1 of a binary test; or several of these by the model's name, in a
        mapping or a data frame.
    thresholds
        (t,), 0 <= t < 1: the probability at which one would be in doubt whether to treat.
    prevalence
        That of the population, where it is not that of these cases (case-control sampling). Resampling is then within
        classes.
    weights
        (n,), such as inverse probabilities of sampling.
    cluster
        (n,), such as the patient of each image.

    Limits are percentiles of a bootstrap of cases (clusters); all curves and thresholds share the resamples. They are
    pointwise. Where no case reaches a threshold the net benefit is 0 in every resample too: such a limit says nothing
    about cases not seen. Standardized: Kerr et al., J Clin Oncol 2016;34:2534.

    Raises ValueError for NaN, probabilities outside 0 to 1, thresholds outside 0 to below 1, or one class only.
    """
    check_confidence(confidence)
    labels = as_binary(y)
    n = len(labels)
    t = as_floats(thresholds, "thresholds")
    if (t < 0).any() or (t >= 1).any():
        raise ValueError(f"thresholds range from {t.min():g} to {t.max():g}, expected 0 to below 1")
    if prevalence is not None and not 0 < prevalence < 1:
        raise ValueError(f"prevalence is {prevalence}, expected a number between 0 and 1")
    columns = as_columns(p)
    named: dict[str, Any] = {"model": p} if columns is None else columns
    if not named:
        raise ValueError("p names no model")
    models = {name: _called(values, name, n, t) for name, values in named.items()}
    called = {**models, "": np.ones((n, 1), dtype=np.bool_)}
    given = as_weights(weights, n)
    row_weights = np.ones(n) if given is None else given
    codes = as_groups(cluster, n)
    units = unit_count(codes, n)
    if units < 2:
        raise ValueError("one case (or one cluster) has no interval; expected two or more")
    odds = t / (1 - t)
    strata = None
    if prevalence is not None:
        positives = np.bincount(codes, labels) if codes is not None else labels.astype(float)
        sizes = np.bincount(codes) if codes is not None else np.ones(n)
        strata = (positives > 0).astype(np.int64) + 2 * (positives < sizes)
    once = row_weights[None]
    cases = _shares(once, labels, prevalence)
    found = {name: _benefit(once, labels, c, prevalence, odds)[0] for name, c in called.items()}
    drawn: dict[str, list[Floats]] = {name: [] for name in called}
    shares = []
    for counts in resample_counts(units, resamples, seed, strata=strata, rows_of_data=n):
        w = (counts if codes is None else counts[:, codes]) * row_weights
        shares.append(_shares(w, labels, prevalence))
        for name, c in called.items():
            drawn[name].append(_benefit(w, labels, c, prevalence, odds))
    share = np.concatenate(shares)
    share[share == 0] = np.nan  # a resample without a positive has no standardized net benefit
    replicates = {name: np.concatenate(parts) for name, parts in drawn.items()}
    rule = resampling_name(codes)
    tail = (1 - confidence) / 2

    def intervals(estimates: Floats, values: Floats) -> tuple[Interval, ...]:
        low, high = np.nanquantile(values, [tail, 1 - tail], axis=0)
        return tuple(
            Interval(float(e), float(a), float(b), confidence, f"{rule}, percentile", units)
            for e, a, b in zip(estimates, low, high, strict=True)
        )

    def curve(estimate: Floats, values: Floats) -> NetBenefitCurve:
        finite = odds > 0
        per = np.where(finite, odds, 1.0)
        avoided = intervals((estimate - found[""]) / per, (values - replicates[""]) / per)
        return NetBenefitCurve(
            intervals(estimate, values),
            intervals(estimate / cases[0], values / share[:, None]),
            tuple(one if ok else None for one, ok in zip(avoided, finite, strict=True)),
        )

    nothing = np.zeros((len(share), len(t)))
    return DecisionCurve(
        thresholds=t,
        prevalence=float(cases[0]),
        models={name: curve(found[name], replicates[name]) for name in models},
        treat_all=curve(found[""], replicates[""]),
        treat_none=curve(np.zeros(len(t)), nothing),
    )


def _called(values: ArrayLike, name: str, n: int, thresholds: Floats) -> Bools:
    p = as_probabilities(values, "p" if name == "model" else f"p of {name}")
    same_length(n, p, "p")
    called: Bools = p[:, None] >= thresholds
    return called


def _shares(weights: Floats, labels: Bools, prevalence: float | None) -> Floats:
    """Prevalence (b,) under each row of weights."""
    if prevalence is not None:
        return np.full(len(weights), prevalence)
    share: Floats = (weights @ labels) / weights.sum(axis=1)
    return share


def _benefit(weights: Floats, labels: Bools, called: Bools, prevalence: float | None, odds: Floats) -> Floats:
    """Net benefit (b, t) under weights (b, n) of calls (n, t) or, for all thresholds alike, (n, 1)."""
    positive, negative = weights * labels, weights * ~labels
    true, false = positive @ called, negative @ called
    benefit: Floats
    if prevalence is None:
        benefit = (true - odds * false) / weights.sum(axis=1, keepdims=True)
        return benefit
    sensitivity = true / positive.sum(axis=1, keepdims=True)
    false_alarms = false / negative.sum(axis=1, keepdims=True)
    benefit = sensitivity * prevalence - false_alarms * (1 - prevalence) * odds
    return benefit
