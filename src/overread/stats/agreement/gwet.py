"""Gwet's AC1 and AC2: agreement beyond chance that does not collapse where one category is frequent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from overread.stats.agreement.ratings import counted
from overread.stats.arrays import Floats, check_confidence
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci


@dataclass(frozen=True)
class GwetAgreement:
    """``ac``: AC1, or AC2 with weights; ``observed`` and ``expected`` (weighted) agreement."""

    ac: Interval
    observed: float
    expected: float
    weights: str


def gwet_ac(
    ratings: ArrayLike,
    *,
    weights: Literal["none", "linear", "quadratic"] = "none",
    categories: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> GwetAgreement:
    """AC1 of ``ratings`` (subjects, raters), or AC2 with ``weights`` of ordered categories.

    Gwet, Br J Math Stat Psychol 2008;61:29, and Handbook of Inter-Rater Reliability, 4th ed. 2014. None and NaN are
    missing ratings; a subject with one rating tells about chance only. ``categories``: all in their order, also such
    as nobody used; without it those found, sorted. The limits are for further subjects: linearised variance between
    subjects, Student's t; where all agree on every subject, AC at Wilson's limit of the agreement.

    Raises ValueError for another shape, fewer than two subjects with two ratings, or a single category.
    """
    check_confidence(confidence)
    found = counted(ratings, categories)
    table, q = found.counts[found.counts.sum(axis=1) > 0].astype(np.float64), len(found.categories)
    if q < 2:
        raise ValueError("all ratings are of one category; name the others by categories")
    w = _weights(weights, found.values)
    times = table.sum(axis=1)
    paired = times >= 2
    n = len(table)
    if paired.sum() < 2:
        raise ValueError(
            f"{int(paired.sum())} subjects have two ratings or more, expected two subjects or more"
        )
    agree = np.zeros(n)
    pairs = (times * (times - 1))[paired]
    agree[paired] = (table * ((table @ w.T) - 1))[paired].sum(axis=1) / pairs
    observed = float(agree[paired].mean())
    share = (table / times[:, None]).mean(axis=0)
    chance = float(w.sum()) / (q * (q - 1))
    expected = chance * float(np.sum(share * (1 - share)))
    ac = (observed - expected) / (1 - expected)
    units = int(paired.sum())
    if observed > 1 - 1e-12:
        least = proportion_ci(units, units, method="wilson", confidence=confidence).low
        low = max(-1.0, (least - expected) / (1 - expected))
        interval = Interval(1.0, low, 1.0, confidence, "full agreement: Wilson", units)
        return GwetAgreement(interval, observed, expected, weights)
    of_subject = n / units * (agree - expected * paired) / (1 - expected)
    chance_of_subject = chance * (table @ (1 - share)) / times
    moved = of_subject - 2 * (1 - ac) * (chance_of_subject - expected) / (1 - expected)
    error = float(np.sqrt(np.sum((moved - ac) ** 2) / (n * (n - 1))))
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * error
    name = "linearised, between subjects"
    interval = Interval(ac, max(-1.0, ac - half), min(1.0, ac + half), confidence, name, units)
    return GwetAgreement(interval, observed, expected, weights)


def _weights(weights: str, values: Floats) -> Floats:
    if weights == "none":
        return np.eye(len(values))
    distance = np.abs(values[:, None] - values) / float(np.ptp(values))
    if weights == "linear":
        return 1 - distance
    if weights == "quadratic":
        return 1 - distance**2
    raise ValueError(f"weights is {weights!r}, expected 'none', 'linear' or 'quadratic'")
