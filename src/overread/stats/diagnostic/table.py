"""The 2x2 table of a test against the truth: every measure with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from overread.stats.arrays import as_count, check_confidence
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci
from overread.stats.intervals.proportion import ProportionMethod


@dataclass(frozen=True)
class DiagnosticAccuracy:
    """What a 2x2 table says. ``ppv`` is None where nothing was called positive, ``npv`` where all was.

    ``prevalence`` is the share of true positives and negatives' positives, (tp + fn) / n; ``apparent_prevalence``
    the share called positive, (tp + fp) / n. ``number_needed_to_diagnose`` is 1 / Youden's index: how many of the
    diseased must be tested for one more correct call than chance; infinite where the index is 0 or less.
    """

    sensitivity: Interval
    specificity: Interval
    ppv: Interval | None
    npv: Interval | None
    accuracy: Interval
    positive_likelihood_ratio: Interval
    negative_likelihood_ratio: Interval
    diagnostic_odds_ratio: Interval
    youden: Interval
    prevalence: Interval
    apparent_prevalence: Interval
    number_needed_to_diagnose: Interval


def diagnostic_accuracy(
    tp: int,
    fp: int,
    fn: int,
    tn: int,
    *,
    method: ProportionMethod = "wilson",
    confidence: float = 0.95,
) -> DiagnosticAccuracy:
    """Measures of a 2x2 table with intervals.

    Proportions by ``method`` (see ``proportion_ci``). Likelihood ratios on the log scale (Simel et al.,
    J Clin Epidemiol 1991;44:763), the diagnostic odds ratio likewise (Woolf, Ann Hum Genet 1955;19:251);
    with an empty cell 0.5 is added to every cell of these three and their method says so. Youden's index:
    with ``exact`` the sums of the exact limits, which are conservative, with any other method Newcombe's hybrid
    (Stat Med 1998;17:873, method 10) of the two proportions' limits. The number needed to diagnose has the
    inverse of Youden's limits (Linn and Grunau, Emerg Themes Epidemiol 2006;3:11).

    Raises ValueError for counts that are negative or not whole, and where there is no positive or no
    negative case.
    """
    check_confidence(confidence)
    tp, fp, fn, tn = as_count(tp, "tp"), as_count(fp, "fp"), as_count(fn, "fn"), as_count(tn, "tn")
    if tp + fn == 0 or fp + tn == 0:
        raise ValueError(f"{tp + fn} positive and {fp + tn} negative cases; expected at least one of each")
    n = tp + fp + fn + tn

    def proportion(successes: int, total: int) -> Interval:
        return proportion_ci(successes, total, method=method, confidence=confidence)

    sensitivity, specificity = proportion(tp, tp + fn), proportion(tn, fp + tn)
    empty = 0 in (tp, fp, fn, tn)
    a, b, c, d = (count + 0.5 if empty else float(count) for count in (tp, fp, fn, tn))
    z, note = float(ndtri(0.5 + confidence / 2)), ", 0.5 added to each cell" if empty else ""

    def ratio(estimate: float, variance: float) -> Interval:
        factor = np.exp(z * np.sqrt(variance))
        low, high = float(estimate / factor), float(estimate * factor)
        return Interval(estimate, low, high, confidence, f"log method{note}", n)

    positives, negatives = a + c, b + d
    index = youden(sensitivity, specificity, method, n)
    return DiagnosticAccuracy(
        sensitivity=sensitivity,
        specificity=specificity,
        ppv=proportion(tp, tp + fp) if tp + fp else None,
        npv=proportion(tn, fn + tn) if fn + tn else None,
        accuracy=proportion(tp + tn, n),
        positive_likelihood_ratio=ratio(
            (a / positives) / (b / negatives), 1 / a - 1 / positives + 1 / b - 1 / negatives
        ),
        negative_likelihood_ratio=ratio(
            (c / positives) / (d / negatives), 1 / c - 1 / positives + 1 / d - 1 / negatives
        ),
        diagnostic_odds_ratio=ratio(a * d / (b * c), 1 / a + 1 / b + 1 / c + 1 / d),
        youden=index,
        prevalence=proportion(tp + fn, n),
        apparent_prevalence=proportion(tp + fp, n),
        number_needed_to_diagnose=needed_to_diagnose(index),
    )


def youden(
    sensitivity: Interval, specificity: Interval, method: str, n: int, *, correlation: float = 0.0
) -> Interval:
    """Sensitivity + specificity - 1, with limits from those of the two.

    ``correlation`` of the two estimates is not 0 where patients have images of both classes (Zou, Stat Med
    2008;27:2693).
    """
    se, sp = sensitivity, specificity
    estimate = se.estimate + sp.estimate - 1
    if method == "exact":
        low, high, name = se.low + sp.low - 1, se.high + sp.high - 1, "sum of Clopper-Pearson limits"
    else:

        def half(x: float, y: float) -> float:
            return float(np.sqrt(max(0.0, x * x + y * y + 2 * correlation * x * y)))

        low = estimate - half(se.estimate - se.low, sp.estimate - sp.low)
        high = estimate + half(se.high - se.estimate, sp.high - sp.estimate)
        name = "Newcombe"
    return Interval(estimate, max(-1.0, low), min(1.0, high), se.confidence, name, n)


def needed_to_diagnose(index: Interval) -> Interval:
    """1 / Youden's index, infinite where that is 0 or less."""
    estimate, low, high = (1 / v if v > 0 else np.inf for v in (index.estimate, index.high, index.low))
    return Interval(
        estimate, low, high, index.confidence, f"inverse of Youden's index, {index.method}", index.n
    )
