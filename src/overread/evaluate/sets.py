"""Prediction sets of classes: quantiles from the tuning cases, and whether they keep their promise on the test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate import patients
from overread.evaluate.metric import Measure
from overread.evaluate.metrics import METRICS
from overread.evaluate.rates import CASES
from overread.stats.conformal import set_size
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci

COVERAGE = 0.9


def class_quantiles(
    p: NDArray[np.float64], y: NDArray[np.int64], labels: Sequence[str], *, cluster: NDArray[Any] | None
) -> tuple[dict[str, float], dict[str, str]]:
    """The largest ``1 - p`` with which a class is in the set, and the reason where it is 1: in every set.

    ``p (n, labels)`` are the tuning cases' probabilities, ``y (n,)`` their classes. Least ambiguous sets (Sadinle et
    al., J Am Stat Assoc 2019;114:223), calibrated class by class (Vovk, ACML 2012): with one quantile for all, a rare
    class may be covered in none of its cases.
    """
    quantiles, reasons = {}, {}
    for k, label in enumerate(labels):
        own = y == k
        within = None if cluster is None else cluster[own]
        q = patients.quantile(1 - p[own, k], coverage=COVERAGE, cluster=within)
        quantiles[label] = min(1.0, q)
        if q > 1:
            n = patients.count(within, int(own.sum()))
            reasons[label] = (
                f"prediction sets: {n} tuning patients are too few for {COVERAGE:.0%}; it is in every set"
            )
    return quantiles, reasons


def set_measures(
    rows: Sequence[dict[str, Any]],
    labels: Sequence[str],
    y: NDArray[np.int64],
    clusters: NDArray[Any] | None,
) -> list[Measure]:
    """Size of the sets, and in each class how often they hold it. ``rows`` have their set as a JSON list in ``set``."""

    def members() -> NDArray[np.bool_]:
        if any(not r.get("set") for r in rows):
            raise ValueError("the package states no prediction sets")
        sets = [set(json.loads(r["set"])) for r in rows]
        return np.array([[label in found for label in labels] for found in sets])

    def size() -> Interval:
        return set_size(members(), cluster=clusters)

    def coverage(k: int) -> Interval:
        inside, own = members()[:, k], y == k
        if not own.any():
            raise ValueError("no case has it")
        return rate_ci(inside[own], cluster=None if clusters is None else clusters[own])

    return [
        Measure(METRICS["set_size"], None, "classes", size),
        *(
            Measure(METRICS["set_coverage"], label, CASES, partial(coverage, k))
            for k, label in enumerate(labels)
        ),
    ]
