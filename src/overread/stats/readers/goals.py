"""Hypotheses of a reader study: one treatment against a goal, non-inferiority and equivalence of two."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

from overread.stats.arrays import check_confidence
from overread.stats.interval import Interval
from overread.stats.readers.results import TreatmentDifference, TreatmentEstimate


@dataclass(frozen=True)
class ReaderHypothesisTest:
    """A test of one ``hypothesis``: the t (or z) test, and the interval that decides it the same way.

    ``met`` says whether the p-value lies at or below ``alpha``. ``estimate`` has the confidence 1 - 2 alpha
    for one-sided tests and equivalence, 1 - alpha for two-sided ones.
    """

    hypothesis: str
    estimate: Interval
    statistic: float
    df: float
    p_value: float
    alpha: float
    met: bool


def reader_goal_test(
    estimate: TreatmentEstimate, *, goal: float, alpha: float = 0.025, alternative: str = "greater"
) -> ReaderHypothesisTest:
    """Test the reader-averaged figure of one treatment against a fixed ``goal``.

    ``estimate``: from ``obuchowski_rockette(...).rrrc.estimates`` (or another model's); its own variance and
    Hillis' degrees of freedom are used. ``alternative`` is ``greater``, ``less`` or ``two-sided``.
    """
    return _test(
        estimate.estimate,
        estimate.standard_error,
        estimate.df,
        goal,
        alpha,
        alternative,
        f"{alternative} than {goal:g}",
    )


def reader_noninferiority(
    difference: TreatmentDifference, *, margin: float, alpha: float = 0.025
) -> ReaderHypothesisTest:
    """First treatment not worse than the second by ``margin`` or more (higher is better): D > -margin.

    ``difference``: from ``obuchowski_rockette`` or ``u_statistic``. Chen, Petrick and Sahiner, Acad Radiol
    2012;19:1158.

    Raises ValueError for a margin that is not above 0.
    """
    _check_margin(margin)
    return _test(
        difference.difference,
        difference.standard_error,
        difference.df,
        -margin,
        alpha,
        "greater",
        f"{difference.treatments[0]} not inferior to {difference.treatments[1]} by {margin:g}",
    )


def reader_equivalence(
    difference: TreatmentDifference, *, margin: float, alpha: float = 0.05
) -> ReaderHypothesisTest:
    """Two treatments differ by less than ``margin`` either way: two one-sided tests, each at ``alpha``.

    Raises ValueError for a margin that is not above 0.
    """
    _check_margin(margin)
    lower, upper = (
        _test(
            difference.difference, difference.standard_error, difference.df, bound, alpha, side, "equivalence"
        )
        for bound, side in ((-margin, "greater"), (margin, "less"))
    )
    worse = max(lower, upper, key=lambda test: test.p_value)
    return ReaderHypothesisTest(
        f"{difference.treatments[0]} equivalent to {difference.treatments[1]} within {margin:g}",
        worse.estimate,
        worse.statistic,
        worse.df,
        worse.p_value,
        alpha,
        worse.met,
    )


def _test(
    interval: Interval, error: float, df: float, bound: float, alpha: float, alternative: str, text: str
) -> ReaderHypothesisTest:
    check_confidence(1 - alpha)
    if alternative not in ("greater", "less", "two-sided"):
        raise ValueError(f"alternative is {alternative!r}, expected 'greater', 'less' or 'two-sided'")
    gap = interval.estimate - bound
    statistic = gap / error if error > 0 else float("inf") if gap > 0 else float("-inf") if gap < 0 else 0.0
    if alternative == "two-sided":
        p_value, tail = float(2 * stats.t.sf(abs(statistic), df)), alpha / 2
    else:
        p_value = float(stats.t.sf(statistic if alternative == "greater" else -statistic, df))
        tail = alpha
    half = float(stats.t.isf(tail, df)) * error
    shown = Interval(
        interval.estimate,
        interval.estimate - half,
        interval.estimate + half,
        1 - 2 * tail,
        interval.method,
        interval.n,
    )
    return ReaderHypothesisTest(text, shown, statistic, df, p_value, alpha, p_value <= alpha)


def _check_margin(margin: float) -> None:
    if not margin > 0:
        raise ValueError(f"margin is {margin}, expected a number above 0")
