"""How far a measure depends on the seed of the training: mean, deviation and interval over several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from overread.evaluate.run import Evaluation
from overread.stats.interval import Interval


def seed_mean(
    values: Sequence[float], *, share: bool = False, confidence: float = 0.95
) -> tuple[Interval, float]:
    """Mean over seeds with Student's t interval, and the deviation between seeds.

    Of a ``share`` the limits lie between 0 and 1. The interval says where the mean over many seeds lies on these very
    patients: nothing about other patients. Raises ValueError for fewer than two seeds.
    """
    x = np.array(values, np.float64)
    n = len(x)
    if n < 2:
        raise ValueError(f"found {n} seed, expected two or more")
    sd = float(x.std(ddof=1))
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * sd / np.sqrt(n)
    mean = float(x.mean())
    low, high = mean - half, mean + half
    if share:
        low, high = max(low, 0.0), min(high, 1.0)
    return Interval(mean, low, high, confidence, "Student's t over seeds", n), sd


def seed_rows(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """One row for each metric that every seed's evaluation gives: ``seeds`` (each value), ``sd``, and the mean as an
    interval."""
    rows: list[dict[str, Any]] = []
    for m in evaluations[0].measured:
        found = [e.of(m.metric.key, m.label) for e in evaluations]
        values = [f.interval.estimate for f in found if f is not None]
        if len(values) < len(evaluations):
            continue
        mean, sd = seed_mean(values, share=m.metric.share)
        about = {"metric": m.metric.key, "label": m.label, "unit": m.unit}
        rows.append(about | {"seeds": values, "sd": sd} | mean.as_dict())
    return rows
