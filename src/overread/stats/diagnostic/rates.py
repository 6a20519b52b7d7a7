"""Rates of one class or label against the rest, and their averages: shared by the tables of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.stats.arrays import Bools, Floats, Ints
from overread.stats.bootstrap import defined, limits
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci
from overread.stats.intervals.proportion import ProportionMethod


@dataclass(frozen=True)
class ClassRates:
    """One class (label) against the rest; None where a rate has no case to be a share of. ``n``: true cases."""

    label: str
    n: int
    sensitivity: Interval | None
    specificity: Interval | None
    ppv: Interval | None
    npv: Interval | None
    f1: Interval | None


@dataclass(frozen=True)
class MeanRates:
    """Averages over classes or labels; None where no class has a case to average over."""

    sensitivity: Interval | None
    specificity: Interval | None
    ppv: Interval | None
    npv: Interval | None
    f1: Interval | None


def class_rates(
    label: str, real: Bools, called: Bools, codes: Ints | None, method: ProportionMethod, confidence: float
) -> ClassRates:
    """Rates of the calls (n,) of one class, by ``rate_ci``."""

    def rate(right: Bools, among: Bools) -> Interval | None:
        if not among.any():
            return None
        return rate_ci(
            right[among],
            cluster=None if codes is None else codes[among],
            method=method,
            confidence=confidence,
        )

    overlap = rate(real & called, real | called)
    f1 = None
    if overlap is not None:
        estimate, low, high = (2 * j / (1 + j) for j in (overlap.estimate, overlap.low, overlap.high))
        f1 = Interval(estimate, low, high, confidence, f"{overlap.method}, of the overlap", overlap.n)
    return ClassRates(
        label=label,
        n=int(real.sum()),
        sensitivity=rate(called, real),
        specificity=rate(~called, ~real),
        ppv=rate(real, called),
        npv=rate(~real, ~called),
        f1=f1,
    )


def mean_rates(
    cells: Floats, replicates: Floats, units: int, confidence: float, name: str, *, skip: bool = False
) -> tuple[MeanRates, MeanRates, MeanRates]:
    """Macro, micro and weighted averages of ``cells`` (4, 1, k), limits from ``replicates`` (4, b, k).

    Cells are true and false positives, false and true negatives. A resample that lost a class has no average
    of sensitivity, or with ``skip`` the average of those it has.
    """
    tp, fp, fn, tn = cells[:, 0] > 0
    present = {
        "sensitivity": tp | fn,
        "specificity": fp | tn,
        "ppv": tp | fn | fp,
        "npv": tp | fn | fp,
        "f1": tp | fn | fp,
    }
    found, drawn = _averages(cells, present, skip), _averages(replicates, present, skip)

    def average(kind: str) -> MeanRates:
        intervals = {
            key: None
            if np.isnan(values[0])
            else limits(
                float(values[0]),
                defined(drawn[kind][key]),
                method="percentile",
                confidence=confidence,
                n=units,
                name=name,
            )
            for key, values in found[kind].items()
        }
        return MeanRates(**intervals)

    return average("macro"), average("micro"), average("weighted")


def named(labels: Sequence[str] | None, k: int, what: str) -> tuple[str, ...]:
    """Names of ``k`` classes, their indices where none are given."""
    if labels is None:
        return tuple(str(c) for c in range(k))
    if len(labels) != k:
        raise ValueError(f"labels names {len(labels)} {what}, expected {k}")
    return tuple(str(label) for label in labels)


def _averages(cells: Floats, present: dict[str, Bools], skip: bool) -> dict[str, dict[str, Floats]]:
    tp, fp, fn, tn = cells
    parts = {
        "sensitivity": (tp, tp + fn, False),
        "specificity": (tn, fp + tn, False),
        "ppv": (tp, tp + fp, True),
        "npv": (tn, fn + tn, True),
        "f1": (2 * tp, 2 * tp + fp + fn, True),
    }
    support = tp + fn
    out: dict[str, dict[str, Floats]] = {"macro": {}, "micro": {}, "weighted": {}}
    for key, (part, whole, empty_is_zero) in parts.items():
        # Nothing called so: the predictive value and F1 of a class that occurs count 0, never vanish.
        nothing = np.full(whole.shape, 0.0 if empty_is_zero else np.nan)
        share = np.divide(part, whole, out=nothing, where=whole > 0)
        use = present[key]
        weights = support[:, use] * np.isfinite(share[:, use])
        out["macro"][key] = _mean(share[:, use], np.isfinite(share[:, use]) * 1.0, skip)
        out["weighted"][key] = _mean(share[:, use], weights, skip)
        total = whole.sum(axis=1)
        out["micro"][key] = np.divide(
            part.sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0
        )
    return out


def _mean(values: Floats, weights: Floats, skip: bool) -> Floats:
    total = weights.sum(axis=1)
    summed = (np.nan_to_num(values) * weights).sum(axis=1)
    mean: Floats = np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)
    if not skip:
        mean[~np.isfinite(values).all(axis=1)] = np.nan
    return mean
