"""Kendall's W: do several raters rank the same subjects alike?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc
from scipy.stats import rankdata

from overread.stats.arrays import Floats, as_floats, check_confidence
from overread.stats.bootstrap import limits
from overread.stats.interval import Interval


@dataclass(frozen=True)
class KendallConcordance:
    """``w`` from 0 (no agreement) to 1, and its test against no agreement: chi-square of ``df``."""

    w: Interval
    statistic: float
    df: int
    p_value: float


def kendall_w(
    scores: ArrayLike, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> KendallConcordance:
    """Concordance of ``scores`` (subjects, raters), corrected for ties.

    Kendall and Babington Smith, Ann Math Stat 1939;10:275; ties and chi-square of subjects - 1 degrees of freedom:
    Kendall and Gibbons, Rank Correlation Methods, 5th ed. 1990, chapter 6 (the chi-square holds from 7 subjects on).
    W of few raters lies above 0 by chance alone: its mean without agreement is 1 / raters. Percentile limits of a
    bootstrap of subjects, ranked anew in each resample.

    Raises ValueError for NaN, fewer than three subjects or two raters, or a rater who scores all subjects alike.
    """
    check_confidence(confidence)
    table = as_floats(scores, "scores", 2)
    n, raters = table.shape
    if n < 3 or raters < 2:
        raise ValueError(f"{n} subjects and {raters} raters, expected three subjects and two raters or more")
    constant = np.flatnonzero(np.ptp(table, axis=0) == 0)
    if len(constant):
        raise ValueError(f"rater {constant[0]} scores all subjects alike; W does not exist")
    w = _w(table)
    statistic = raters * (n - 1) * w
    generator = np.random.default_rng(seed)
    draws = (table[generator.integers(0, n, n)] for _ in range(resamples))
    replicates = np.array([_w(d) for d in draws if np.ptp(d, axis=0).all()])
    interval = limits(
        w, replicates, method="percentile", confidence=confidence, n=n, name="bootstrap of subjects"
    )
    return KendallConcordance(interval, statistic, n - 1, float(chdtrc(n - 1, statistic)))


def _w(table: Floats) -> float:
    n, raters = table.shape
    ranks = rankdata(table, axis=0)
    spread = float(np.sum((ranks.sum(axis=1) - raters * (n + 1) / 2) ** 2))
    tied = 0.0
    for column in ranks.T:
        times = np.unique(column, return_counts=True)[1].astype(np.float64)
        tied += float(np.sum(times**3 - times))
    return float(12 * spread / (raters**2 * (n**3 - n) - raters * tied))
