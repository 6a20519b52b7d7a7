"""Tables of several labels, any number of which can be true of a case (findings of a chest radiograph)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_floats, as_groups, check_confidence, unit_count
from overread.stats.bootstrap import resample_counts, resampling_name
from overread.stats.diagnostic.rates import ClassRates, MeanRates, class_rates, mean_rates, named
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, rate_ci
from overread.stats.intervals.proportion import ProportionMethod


@dataclass(frozen=True)
class MultilabelTable:
    """Measures of each label and their averages.

    ``exact_match``: share of cases with every label right. ``hamming_loss``: mean share of labels wrong.
    """

    labels: tuple[ClassRates, ...]
    exact_match: Interval
    hamming_loss: Interval
    macro: MeanRates
    micro: MeanRates
    weighted: MeanRates


def multilabel_table(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    cluster: ArrayLike | None = None,
    method: ProportionMethod = "wilson",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> MultilabelTable:
    """Every label by itself, and averages over labels, with intervals.

    ``truth`` and ``predicted`` (n, labels) hold 0 and 1; an unknown label must be left out or decided first.
    Rates of one label as in ``multiclass_table``. Averages have percentile limits of a bootstrap of cases (of
    whole clusters), so that labels of one case stay together. A resample that lost all positives of a label
    averages sensitivity over the others; a label never called has no PPV and counts 0 in the averages of it.

    Raises ValueError for NaN, values other than 0 and 1, shapes that differ, no positive at all, or a single
    case or cluster.
    """
    check_confidence(confidence)
    real, called = _labels(truth, "truth"), _labels(predicted, "predicted")
    if real.shape != called.shape:
        raise ValueError(f"predicted has shape {called.shape}, expected that of truth, {real.shape}")
    n, k = real.shape
    if not real.any():
        raise ValueError("truth holds no positive of any label; sensitivity does not exist")
    codes = as_groups(cluster, n)
    units = unit_count(codes, n)
    if units < 2:
        raise ValueError("one case (or one cluster) has no interval; expected two or more")
    names = named(labels, k, "labels")
    rows = [class_rates(names[c], real[:, c], called[:, c], codes, method, confidence) for c in range(k)]
    cells = np.stack([real & called, ~real & called, real & ~called, ~real & ~called]).astype(np.float64)
    by_unit = cells.transpose(1, 0, 2).reshape(n, 4 * k)
    if codes is not None:
        summed = np.zeros((units, 4 * k))
        np.add.at(summed, codes, by_unit)
        by_unit = summed
    blocks = resample_counts(units, resamples, seed, rows_of_data=units + 4 * k)
    drawn = np.concatenate([counts @ by_unit for counts in blocks]).reshape(-1, 4, k).transpose(1, 0, 2)
    name = resampling_name(codes)
    means = mean_rates(cells.sum(axis=1, keepdims=True), drawn, units, confidence, name, skip=True)
    return MultilabelTable(
        tuple(rows),
        rate_ci((real == called).all(axis=1), cluster=codes, method=method, confidence=confidence),
        mean_ci(
            (real != called).mean(axis=1),
            cluster=codes,
            method="percentile",
            confidence=confidence,
            resamples=resamples,
            seed=seed,
            bounds=(0.0, 1.0),
        ),
        *means,
    )


def _labels(values: ArrayLike, name: str) -> Bools:
    array: Floats = as_floats(values, name, ndim=2)
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} holds values other than 0 and 1; decide or leave out unknown labels first")
    found: Bools = array.astype(np.bool_)
    return found
