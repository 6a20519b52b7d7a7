"""Volumes (areas) and counts against the truth: errors, limits of agreement, and whether stated intervals hold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.metric import Measure
from overread.evaluate.metrics import METRICS
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, numbers, part_of, stating
from overread.runtime.answer import Measurement
from overread.stats.agreement import bland_altman
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, rate_ci

OF_VOLUMES = (
    "volume_error",
    "volume_abs_error",
    "volume_agreement_low",
    "volume_agreement_high",
    "false_volume",
    "interval_coverage",
    "interval_coverage_present",
    "interval_coverage_small",
    "interval_coverage_large",
)


def inside(measurements: Sequence[Measurement], label: str, names: Sequence[str], true: float) -> int | None:
    """1 or 0: whether the stated interval of ``label``'s volume (area, count) holds the true one; None without one."""
    for m in measurements:
        if m.label == label and m.name in names and m.low is not None and m.high is not None:
            return int(m.low - 1e-9 <= true <= m.high + 1e-9)
    return None


def measures(
    rows: Sequence[Row], labels: Sequence[str], unit: str, patients: NDArray[Any] | None
) -> list[Measure]:
    """Of every label: ``volume_found_`` against ``volume_true_``, in ``unit``; of the cases whose truth states it."""
    out = []
    for label in labels:
        stated, clusters = stating(rows, label, patients)
        found, true, held = numbers(
            stated, [f"{k}_{label}" for k in ("volume_found", "volume_true", "inside")]
        ).T
        error, absent = found - true, true == 0
        agree = partial(_agreement, found, true, clusters)
        computed = {
            "volume_error": (f"{unit}, found minus true", partial(mean_ci, error, cluster=clusters)),
            "volume_abs_error": (unit, partial(mean_ci, np.abs(error), cluster=clusters)),
            "volume_agreement_low": (f"{unit}, found minus true", partial(agree, "lower")),
            "volume_agreement_high": (f"{unit}, found minus true", partial(agree, "upper")),
            "false_volume": (f"{unit} in cases without it", partial(_false, found, absent, clusters)),
        } | {
            f"interval_coverage{part}": (
                f"{CASES}{of} with a stated interval",
                partial(coverage, np.where(where, held, np.nan), clusters),
            )
            for part, of, where in _by_size(true)
        }
        out += [Measure(METRICS[key], label, *computed[key]) for key in OF_VOLUMES]
    return out


def coverage(held: NDArray[np.float64], clusters: NDArray[Any] | None) -> Interval:
    """Share of stated intervals ``held (n,)`` (1, 0, NaN without one) that hold the truth. Raises ValueError."""
    known = np.isfinite(held)
    if not known.any():
        raise ValueError("the package states no interval for it")
    return rate_ci(held[known] == 1, cluster=part_of(clusters, known))


def _by_size(true: NDArray[np.float64]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """All cases, those that show it, and the smaller and larger half of these: end of the key, words, which."""
    shown = true > 0
    # By rank, so that equal sizes are halved, too.
    ranked = np.flatnonzero(shown)[np.argsort(true[shown], kind="stable")]
    small, large = (np.isin(np.arange(len(true)), part) for part in np.array_split(ranked, 2))
    return [
        ("", "", np.ones_like(shown)),
        ("_present", " that show it", shown),
        ("_small", " that show it, smaller half", small),
        ("_large", " that show it, larger half", large),
    ]


def _agreement(
    found: NDArray[np.float64], true: NDArray[np.float64], clusters: NDArray[Any] | None, side: str
) -> Interval:
    limits = bland_altman(found, true, subject=clusters)
    chosen: Interval = getattr(limits, side)
    return chosen


def _false(found: NDArray[np.float64], absent: NDArray[np.bool_], clusters: NDArray[Any] | None) -> Interval:
    if not absent.any():
        raise ValueError("every case shows it")
    return mean_ci(found[absent], cluster=part_of(clusters, absent))
