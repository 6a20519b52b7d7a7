"""Selective prediction: how often decisions are wrong where only the surest are taken, over every share of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from overread.stats.arrays import Floats, as_binary, as_floats, same_length
from overread.stats.interval import Interval
from overread.stats.intervals import bootstrap_weighted_ci

__all__ = ["RiskCoverage", "aurc", "risk_coverage", "risk_p_value", "selective_gain"]


@dataclass(frozen=True)
class RiskCoverage:
    """Share decided, share wrong among those, and the smallest confidence decided ``(points,)``, from the surest on."""

    coverage: Floats
    risk: Floats
    threshold: Floats


def risk_coverage(wrong: ArrayLike, confidence: ArrayLike) -> RiskCoverage:
    """The curve over all thresholds of ``confidence (n,)``; ``wrong (n,)`` 0 or 1 (El-Yaniv and Wiener, JMLR 2010).

    Cases of equal confidence are decided together. Raises ValueError for no case or values that are none.
    """
    error, sure = _checked(wrong, confidence)
    order, ends = _order(sure)
    counts = np.arange(1, len(sure) + 1)
    last = np.unique(ends)
    return RiskCoverage(counts[last] / len(sure), (np.cumsum(error[order]) / counts)[last], sure[order][last])


def aurc(wrong: ArrayLike, confidence: ArrayLike, *, cluster: ArrayLike | None = None) -> Interval:
    """Mean share wrong over all shares decided, 0 to 1, less is better, with a percentile bootstrap interval over
    cases, or patients by ``cluster (n,)`` (Geifman, Uziel and El-Yaniv, ICLR 2019, arXiv 1805.08206).

    Raises ValueError as `risk_coverage`, and for a single case.
    """
    error, sure = _checked(wrong, confidence)
    order, ends = _order(sure)

    def area(weights: Floats) -> Floats:
        w = weights[:, order]
        decided, lost = np.cumsum(w, axis=1)[:, ends], np.cumsum(w * error[order], axis=1)[:, ends]
        risk = np.divide(lost, decided, out=np.zeros_like(lost), where=decided > 0)
        found: Floats = (w * risk).sum(axis=1) / w.sum(axis=1)
        return found

    return bootstrap_weighted_ci(area, len(error), cluster=cluster, method="percentile")


def selective_gain(
    wrong: ArrayLike, confidence: ArrayLike, *, coverage: float = 0.5, cluster: ArrayLike | None = None
) -> Interval:
    """How much more often the surest share ``coverage`` of the cases is right than all of them; 0 where confidence
    says nothing. Percentile bootstrap over cases, or patients. Raises ValueError as `aurc`."""
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage}, expected between 0 and 1")
    error, sure = _checked(wrong, confidence)
    order, _ = _order(sure)

    def gain(weights: Floats) -> Floats:
        w = weights[:, order]
        total = w.sum(axis=1)
        before = np.cumsum(w, axis=1) - w
        # The case at the edge counts with the part of it that the share still holds.
        taken = np.clip(coverage * total[:, None] - before, 0, w)
        kept = (taken * error[order]).sum(axis=1) / (coverage * total)
        found: Floats = (w * error[order]).sum(axis=1) / total - kept
        return found

    return bootstrap_weighted_ci(gain, len(error), cluster=cluster, method="percentile")


def risk_p_value(losses: ArrayLike, *, risk: float) -> float:
    """How likely so small a mean of ``losses (n,)``, 0 to 1, is where their expectation is above ``risk``.

    Exact for losses of 0 and 1 (binomial), else the bound of Hoeffding and Bentkus (Bates et al., J ACM 2021;68:43,
    theorem 2 of arXiv 2110.01052). Raises ValueError for losses or a risk out of range.
    """
    x = as_floats(losses, "losses")
    if not 0 < risk < 1:
        raise ValueError(f"risk is {risk}, expected between 0 and 1")
    if len(x) == 0 or x.min() < 0 or x.max() > 1:
        raise ValueError("losses must be numbers from 0 to 1, at least one")
    n, mean = len(x), float(x.mean())
    if ((x == 0) | (x == 1)).all():
        return float(binom.cdf(round(x.sum()), n, risk))
    if mean >= risk:
        return 1.0
    ratio = mean * np.log(mean / risk) if mean > 0 else 0.0
    divergence = ratio + (1 - mean) * np.log((1 - mean) / (1 - risk))
    bentkus = np.e * binom.cdf(np.ceil(n * mean), n, risk)
    return float(min(np.exp(-n * divergence), bentkus, 1.0))


def _checked(wrong: ArrayLike, confidence: ArrayLike) -> tuple[Floats, Floats]:
    error = as_binary(wrong, "wrong", both=False).astype(np.float64)
    sure = as_floats(confidence, "confidence")
    same_length(len(error), sure, "confidence")
    if len(error) == 0:
        raise ValueError("wrong is empty (n = 0)")
    return error, sure


def _order(sure: Floats) -> tuple[NDArray[Any], NDArray[Any]]:
    """Cases from the surest on, and for each place the last place of equal confidence."""
    order = np.argsort(-sure, kind="stable")
    ranked = sure[order]
    ends = len(sure) - 1 - np.searchsorted(ranked[::-1], ranked, side="left")
    return order, ends
