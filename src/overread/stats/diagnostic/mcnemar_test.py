"""McNemar's test: do two tests of the same cases differ?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv, chdtrc, stdtr, stdtrit

from overread.stats.arrays import as_binary, as_groups, check_confidence, same_length
from overread.stats.interval import Interval
from overread.stats.intervals import paired_difference_ci
from overread.stats.intervals.difference import paired_counts


@dataclass(frozen=True)
class McNemarTest:
    """Test of (b - c) / n = 0; ``odds_ratio`` b / c is None where no pair is discordant."""

    statistic: float
    p_value: float
    method: str
    difference: Interval
    odds_ratio: Interval | None


def mcnemar(
    table: ArrayLike, exact: bool = False, correction: bool = True, confidence: float = 0.95
) -> McNemarTest:
    """McNemar's test of paired proportions (Psychometrika 1947;12:153).

    ``table`` [[a, b], [c, d]] counts cases: rows are the first test (positive, negative), columns the second.

    ``exact``: two-sided binomial test of b in b + c; the statistic is the smaller of them. Otherwise chi-square
    of one degree of freedom, with Edwards' continuity ``correction`` unless it is switched off (none is made where
    b = c, as in R). The difference (b - c) / n has Tango's limits, the odds ratio b / c those of the exact
    binomial. Without a discordant pair the statistic is 0 and p is 1.

    Raises ValueError for counts that are negative or not whole, or a table that is not 2 by 2.
    """
    _, b, c, _ = paired_counts(table)
    difference = paired_difference_ci(table, confidence=confidence)
    ratio = _odds_ratio(b, c, confidence)
    if exact:
        smaller = min(b, c)
        # Twice the lower tail of a fair coin; b = c would count the middle twice.
        tail = 2 * float(betainc(b + c - smaller, smaller + 1, 0.5)) if smaller < b + c else 1.0
        return McNemarTest(float(smaller), min(1.0, tail), "McNemar, exact", difference, ratio)
    corrected = correction and b != c
    statistic = (abs(b - c) - corrected) ** 2 / (b + c) if b + c else 0.0
    name = "McNemar, continuity correction" if correction else "McNemar"
    return McNemarTest(statistic, float(chdtrc(1, statistic)), name, difference, ratio)


def mcnemar_clustered(
    first: ArrayLike, second: ArrayLike, cluster: ArrayLike, confidence: float = 0.95
) -> McNemarTest:
    """McNemar's test where patients have several images.

    ``first`` and ``second`` (n,) of 0 and 1 are the results of the two tests, ``cluster`` (n,) the patient. The
    difference of the two shares has a variance from sums over clusters (Obuchowski, Stat Med 1998;17:1495), that of
    the test under equality (Yang, Sun and Hardin, Stat Med 2010;29:1950); p and limits are of Student's t with
    clusters - 1 degrees of freedom.

    Raises ValueError for NaN, wrong shapes or fewer than two clusters.
    """
    check_confidence(confidence)
    one, two = as_binary(first, "first", both=False), as_binary(second, "second", both=False)
    same_length(len(one), two, "second")
    codes = as_groups(cluster, len(one))
    if codes is None or int(codes.max()) < 1:
        raise ValueError("one cluster (or none given) has no variance; expected two or more")
    excess = np.bincount(codes, one.astype(float) - two)
    sizes = np.bincount(codes)
    units, n = len(sizes), len(one)
    share = float(excess.sum() / n)
    spread = float(np.sum(excess**2))
    statistic = float(excess.sum() / np.sqrt(units / (units - 1) * spread)) if spread else 0.0
    error = float(np.sqrt(units / (units - 1) * np.sum((excess - share * sizes) ** 2))) / n
    half = float(stdtrit(units - 1, 0.5 + confidence / 2)) * error
    name = "Wald t, clusters"
    difference = Interval(share, max(-1.0, share - half), min(1.0, share + half), confidence, name, units)
    p_value = float(2 * stdtr(units - 1, -abs(statistic)))
    return McNemarTest(statistic, p_value, "McNemar, clusters", difference, None)


def _odds_ratio(b: int, c: int, confidence: float) -> Interval | None:
    if b + c == 0:
        return None
    alpha = 1 - confidence
    low = float(betaincinv(b, c + 1, alpha / 2)) if b else 0.0
    high = float(betaincinv(b + 1, c, 1 - alpha / 2)) if c else 1.0
    name = "exact binomial of discordant pairs"
    upper = high / (1 - high) if high < 1 else np.inf
    return Interval(b / c if c else np.inf, low / (1 - low), upper, confidence, name, b + c)
