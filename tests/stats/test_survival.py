from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf, logrank

from overread.stats.roc import auc
from overread.stats.survival import cox_regression, dynamic_auc, harrell_c, kaplan_meier, log_rank, uno_c

# Freireich et al., Blood 1963;21:699: weeks of remission of leukaemia, mercaptopurine and placebo (Cox 1972).
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
TREATED_EVENT = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
TIME, EVENT = TREATED + PLACEBO, TREATED_EVENT + [1] * 21
CONTROL = np.repeat([0, 1], 21)


def drawn(seed: int, n: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    event, end = generator.exponential(np.exp(-score)), generator.exponential(1.5, n)
    return np.minimum(event, end), event <= end, score


def test_published_curve() -> None:
    """Kalbfleisch and Prentice: the treated group's survival is .857 at 6, .807 at 7, .753 at 10, .448 at 23 weeks."""
    found = kaplan_meier(TREATED, TREATED_EVENT)
    assert [round(found.at(time=t).estimate, 3) for t in (6, 7, 10, 23, 35)] == [
        0.857,
        0.807,
        0.753,
        0.448,
        0.448,
    ]
    # R's survfit with conf.type = "log-log" prints .620 and .952 at 6 weeks; the medians are 23 and 8 weeks.
    assert (round(found.at(time=6).low, 3), round(found.at(time=6).high, 3)) == (0.620, 0.952)
    assert found.median.estimate == 23 and np.isinf(found.median.high)
    assert kaplan_meier(PLACEBO, [1] * 21).median.estimate == 8


def test_curve_agrees_with_scipy() -> None:
    time, event, _ = drawn(0)
    found = kaplan_meier(time, event)
    theirs = ecdf(CensoredData(uncensored=time[event], right=time[~event])).sf
    limits = theirs.confidence_interval(0.95, method="log-log")
    at = found.times[:-1]
    assert found.survival[:-1] == pytest.approx(theirs.evaluate(at))
    assert found.low[:-1] == pytest.approx(limits.low.evaluate(at))
    assert found.high[:-1] == pytest.approx(limits.high.evaluate(at))


def test_before_the_first_event_and_after_the_last() -> None:
    found = kaplan_meier([3, 4, 5, 6], [1, 0, 1, 0])
    assert found.at(time=1).estimate == 1 and found.at(time=1).low < 1
    with pytest.raises(ValueError, match="longest follow-up, 6"):
        found.at(time=7)


def test_published_log_rank() -> None:
    """R's survdiff on the same data: chi-square 16.8, 9 events seen and 19.3 expected in the treated group."""
    found = log_rank(TIME, EVENT, group=CONTROL)
    assert round(found.statistic, 1) == 16.8
    assert found.seen.tolist() == [9, 21] and round(float(found.expected[0]), 1) == 19.3
    time, event, score = drawn(1)
    high = score > 0
    parts = [
        CensoredData(uncensored=time[high == k][event[high == k]], right=time[high == k][~event[high == k]])
        for k in (True, False)
    ]
    assert log_rank(time, event, group=high).statistic == pytest.approx(logrank(*parts).statistic ** 2)


def test_published_cox() -> None:
    """R's coxph (Efron) on the same data: coefficient 1.572, error .412, log likelihood -85.01 against -93.18."""
    found = cox_regression(TIME, EVENT, CONTROL[:, None], names=["placebo"])
    (term,) = found.terms
    assert (round(term.coefficient, 3), round(term.standard_error, 3)) == (1.572, 0.412)
    assert round(found.log_likelihood, 2) == -85.01 and round(found.statistic, 2) == 16.35


def test_cox_agrees_with_statsmodels() -> None:
    phreg = pytest.importorskip("statsmodels.duration.hazard_regression").PHReg
    time, event, score = drawn(2)
    time = np.ceil(time * 10)
    x = np.column_stack([score, np.random.default_rng(3).normal(5, 100, len(time))])
    found = cox_regression(time, event, x)
    theirs = phreg(time, x, status=event, ties="efron").fit()
    assert [t.coefficient for t in found.terms] == pytest.approx(list(theirs.params), rel=1e-5)
    assert [t.standard_error for t in found.terms] == pytest.approx(list(theirs.bse), rel=1e-5)
    assert found.log_likelihood == pytest.approx(theirs.llf)


def test_robust_errors_know_repeated_rows() -> None:
    time, event, score = drawn(4)
    plain = cox_regression(time, event, score[:, None], cluster=np.arange(150))
    twice = cox_regression(
        np.repeat(time, 2), np.repeat(event, 2), np.repeat(score, 2)[:, None], cluster=np.arange(300) // 2
    )
    assert twice.terms[0].standard_error == pytest.approx(plain.terms[0].standard_error, rel=0.05)


def test_concordance_without_censoring_is_the_plain_share() -> None:
    generator = np.random.default_rng(5)
    time, score = generator.permutation(40).astype(float), generator.integers(0, 10, 40)
    pairs = [(i, j) for i in range(40) for j in range(40) if time[i] < time[j]]
    share = np.mean([(score[i] > score[j]) + 0.5 * (score[i] == score[j]) for i, j in pairs])
    everyone = np.ones(40)
    assert harrell_c(time, everyone, score).estimate == pytest.approx(share)
    assert uno_c(time, everyone, score).estimate == pytest.approx(share)


def test_concordance_of_censored_data_by_hand() -> None:
    """Times 1, 2+, 3, 4: pairs begin at events, 1 with three others and 3 with one; G before 3 is 2/3."""
    time, event, score = [1, 2, 3, 4], [1, 0, 1, 1], [0.9, 0.1, 0.2, 0.5]
    assert harrell_c(time, event, score).estimate == pytest.approx(3 / 4)
    assert uno_c(time, event, score).estimate == pytest.approx(3 / (3 + 9 / 4))


def test_limits_of_concordance_cover() -> None:
    time, event, score = drawn(6, n=3000)
    whole = {harrell_c: harrell_c(time, event, score), uno_c: uno_c(time, event, score, horizon=1.5)}
    generator = np.random.default_rng(7)
    hits = dict.fromkeys(whole, 0)
    for _ in range(200):
        d = generator.integers(0, 3000, 100)
        plain = harrell_c(time[d], event[d], score[d])
        weighted = uno_c(time[d], event[d], score[d], horizon=1.5)
        hits[harrell_c] += plain.low <= whole[harrell_c].estimate <= plain.high
        hits[uno_c] += weighted.low <= whole[uno_c].estimate <= weighted.high
    assert all(0.9 <= n / 200 <= 0.99 for n in hits.values()), hits


def test_uno_does_not_move_with_the_censoring() -> None:
    generator = np.random.default_rng(8)
    score = generator.normal(size=4000)
    event = generator.exponential(np.exp(-score))
    found = []
    for end in (0.8, 8.0):
        last = generator.exponential(end, 4000)
        time, seen = np.minimum(event, last), event <= last
        found.append((harrell_c(time, seen, score).estimate, uno_c(time, seen, score, horizon=1.0).estimate))
    moved = np.abs(np.array(found[0]) - found[1])
    assert moved[1] < 0.015 and moved[0] > 2 * moved[1]


def test_dynamic_area_without_censoring_is_the_plain_area() -> None:
    generator = np.random.default_rng(9)
    score = generator.normal(size=200)
    time = generator.exponential(np.exp(-score))
    found = dynamic_auc(time, np.ones(200), score, at=0.7, resamples=200)
    assert found.estimate == pytest.approx(auc(time <= 0.7, score).estimate)
    assert found.low < found.estimate < found.high


def test_dynamic_area_by_hand() -> None:
    """At 3.5: events at 1 and 3, the latter weighing 3/2 as in Uno's C; one case beyond; 2 was lost."""
    found = dynamic_auc([1, 2, 3, 4], [1, 0, 1, 1], [0.9, 0.1, 0.2, 0.5], at=3.5, resamples=50, seed=3)
    assert found.estimate == pytest.approx(1 / 2.5)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: kaplan_meier([1, 2], [0, 0]), "no event"),
        (lambda: kaplan_meier([-1, 2], [1, 0]), "0 or more"),
        (lambda: log_rank([1, 2], [1, 1], group=["a", "a"]), "one group"),
        (lambda: cox_regression([1, 2, 3], [1, 1, 1], [[1], [1], [1]]), "constant"),
        (lambda: cox_regression([1, 2, 3], [1, 1, 1], [[1, 2], [2, 4], [0, 0]]), "follow from each other"),
        (lambda: cox_regression([1, 2, 3, 4], [1, 1, 0, 0], [[4], [3], [2], [1]]), "perfectly"),
        (lambda: harrell_c([5, 1, 2], [1, 0, 0], [1, 2, 3]), "no pair of cases"),
        (lambda: uno_c([1, 2], [1, 1], [1, 2], horizon=0.5), "no event before"),
        (lambda: dynamic_auc([1, 2, 3], [1, 1, 1], [1, 2, 3], at=5), "nobody was followed"),
    ],
)
def test_what_cannot_be_computed(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        call()
