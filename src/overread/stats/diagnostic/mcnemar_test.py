"""McNemar's test: do two tests of the same cases differ?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv, chdtrc, stdtr, stdtrit
from scipy.stats import binom

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
    table: ArrayLike,
    *,
    exact: bool = False,
    correction: bool = True,
    confidence: float = 0.95,
    mid_p: bool = False,
) -> McNemarTest:
    """McNemar's test of paired proportions (Psychometrika 1947;12:153).

    ``table`` [[a, b], [c, d]] counts cases: rows are the first test (positive, negative), columns the second.

    ``exact``: two-sided binomial test of b in b + c; the statistic is the smaller of them. ``mid_p``: the same with
    half the chance of the table itself, less conservative (Fagerland, Lydersen and Laake, BMC Med Res Methodol
    2013;13:91). Otherwise chi-square of one degree of freedom, with Edwards' continuity ``correction`` unless it is
    switched off (none is made where b = c, as in R). The difference (b - c) / n has Tango's limits, the odds ratio
    b / c those of the exact binomial. Without a discordant pair the statistic is 0 and p is 1.

    Raises ValueError for counts that are negative or not whole, or a table that is not 2 by 2.
    """
    _, b, c, _ = paired_counts(table)
    difference = paired_difference_ci(table, confidence=confidence)
    ratio = _odds_ratio(b, c, confidence)
    if exact or mid_p:
        smaller = min(b, c)
        # Twice the lower tail of a fair coin; b = c would count the middle twice.
        tail = 2 * float(betainc(b + c - smaller, smaller + 1, 0.5)) if smaller < b + c else 1.0
        name = "McNemar, exact"
        if mid_p and b + c:
            tail, name = tail - float(binom.pmf(smaller, b + c, 0.5)), "McNemar, mid-p"
        return McNemarTest(float(smaller), min(1.0, tail), name, difference, ratio)
    corrected = correction and b != c
    statistic = (abs(b - c) - corrected) ** 2 / (b + c) if b + c else 0.0
    name = "McNemar, continuity correction" if correction else "McNemar"
    return McNemarTest(statistic, float(chdtrc(1, statistic)), name, difference, ratio)


def mcnemar_clustered(
    first: ArrayLike,
    second: ArrayLike,
    *,
    cluster: ArrayLike,
    confidence: float = 0.95,
    method: Literal["t", "obuchowski", "durkalski", "yang"] = "t",
) -> McNemarTest:
    """McNemar's test where patients have several images.

    ``first`` and ``second`` (n,) of 0 and 1 are the results of the two tests, ``cluster`` (n,) the patient.

    ``obuchowski``: chi-square of one degree of freedom, the variance of the difference under equality from sums over
    clusters (Stat Med 1998;17:1495). ``t``: its signed root referred to Student's t of clusters - 1 degrees of freedom,
    which keeps the level with few clusters. ``yang``: the mean of the variances under equality and without it (Yang,
    Sun and Hardin, Biom J 2010;52:638). ``durkalski``: every cluster weighs alike, whatever its size (Stat Med
    2003;22:2417). The limits of the difference are Student's t from sums over clusters, whatever the method.

    Raises ValueError for NaN, wrong shapes, fewer than two clusters or an unknown method.
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
    under_equality = units / (units - 1) * float(np.sum(excess**2))
    free = units / (units - 1) * float(np.sum((excess - share * sizes) ** 2))
    error = float(np.sqrt(free)) / n
    half = float(stdtrit(units - 1, 0.5 + confidence / 2)) * error
    name = "Wald t, clusters"
    difference = Interval(share, max(-1.0, share - half), min(1.0, share + half), confidence, name, units)
    total, variance = float(excess.sum()), under_equality
    if method == "durkalski":
        total, variance = float((excess / sizes).sum()), float(np.sum((excess / sizes) ** 2))
    elif method == "yang":
        variance = (under_equality + free) / 2
    elif method not in ("t", "obuchowski"):
        raise ValueError(f"method is {method!r}, expected 't', 'obuchowski', 'durkalski' or 'yang'")
    statistic = total / float(np.sqrt(variance)) if variance else 0.0
    if method == "t":
        p_value = float(2 * stdtr(units - 1, -abs(statistic)))
        return McNemarTest(statistic, p_value, "McNemar, clusters, Student's t", difference, None)
    chi_square = statistic**2
    name = f"McNemar, clusters, {method.capitalize()}"
    return McNemarTest(chi_square, float(chdtrc(1, chi_square)), name, difference, None)


def _odds_ratio(b: int, c: int, confidence: float) -> Interval | None:
    if b + c == 0:
        return None
    alpha = 1 - confidence
    low = float(betaincinv(b, c + 1, alpha / 2)) if b else 0.0
    high = float(betaincinv(b + 1, c, 1 - alpha / 2)) if c else 1.0
    name = "exact binomial of discordant pairs"
    upper = high / (1 - high) if high < 1 else np.inf
    return Interval(b / c if c else np.inf, low / (1 - low), upper, confidence, name, b + c)
