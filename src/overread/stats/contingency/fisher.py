"""Fisher's exact test of a table of two groups and two outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from overread.stats.arrays import check_confidence
from overread.stats.contingency.ratios import odds_ratio
from overread.stats.contingency.two_by_two import two_groups
from overread.stats.interval import Interval

Alternative = Literal["two-sided", "less", "greater"]


@dataclass(frozen=True)
class FisherTest:
    """``p_value`` of no association, and the conditional ``odds_ratio`` with its exact limits.

    The odds ratio is None where no case, or every case, has the event: the table then says nothing about it.
    """

    p_value: float
    odds_ratio: Interval | None
    alternative: str
    method: str = "Fisher, exact"


def fisher_exact(
    table: ArrayLike, *, alternative: Alternative = "two-sided", confidence: float = 0.95
) -> FisherTest:
    """Exact test of [[a, b], [c, d]], given its margins (Fisher, J R Stat Soc 1935;98:39), by SciPy.

    Rows are the groups, columns with and without the event. Two-sided: tables no more likely than this one. The
    limits of the odds ratio are always two-sided; being of equal tails they may hold 1 where the test rejects, or the
    other way round.

    Raises ValueError for counts that are negative or not whole, another shape, or a group without a case.
    """
    from scipy.stats import fisher_exact as exact

    check_confidence(confidence)
    if alternative not in ("two-sided", "less", "greater"):
        raise ValueError(f"alternative is {alternative!r}, expected 'two-sided', 'less' or 'greater'")
    a, b, c, d = two_groups(table)
    found = exact([[a, b], [c, d]], alternative=alternative)
    decided = a + c > 0 and b + d > 0
    ratio = odds_ratio(table, method="conditional", confidence=confidence) if decided else None
    return FisherTest(float(found.pvalue), ratio, alternative)
