"""Lesions of counted labels: matched one to one, pooled over cases, merges and splits apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.metric import Measure
from overread.evaluate.metrics import METRICS
from overread.evaluate.rows import Row, numbers, stating
from overread.runtime.measure import SMALLEST_PART
from overread.stats.intervals import mean_ci, ratio_ci
from overread.stats.segmentation import match_lesions

OVERLAP = 0.1
"""Intersection over union above which a found part may match a true lesion: it says that the lesion was found, not
that its outline was (Maier-Hein et al., Nat Methods 2024;21:195)."""
SMALLEST = SMALLEST_PART
"""Voxels (pixels): a smaller part is neither a lesion nor a finding, as in the counts of packages."""

SHARES = ("lesion_sensitivity", "lesion_precision", "lesion_f1")
PER_CASE = ("false_lesions_per_case", "merged_lesions_per_case", "split_lesions_per_case")
KEYS = (*SHARES, *PER_CASE)
_UNITS = ("proportion of lesions", "proportion of found lesions", "harmonic mean, 0 to 1")
_KINDS = ("true", "missed", "false", "merged", "split")


def columns(found: NDArray[np.bool_], true: NDArray[np.bool_], label: str) -> Row:
    """``lesions_true_``, ``_missed_``, ``_false_``, ``_merged_`` and ``_split_<label>`` of one case."""
    hit = match_lesions(found, true, iou_threshold=OVERLAP, min_voxels=SMALLEST)
    counts = (hit.tp + hit.fn, hit.fn, hit.fp, hit.merged, hit.split)
    return {f"lesions_{kind}_{label}": n for kind, n in zip(_KINDS, counts, strict=True)}


def none_found(row: Row, label: str) -> Row:
    """The columns of a case without an answer: every true lesion is missed."""
    if f"lesions_true_{label}" not in row:
        return {}
    lost = {f"lesions_missed_{label}": row[f"lesions_true_{label}"]}
    return lost | {f"lesions_{kind}_{label}": 0 for kind in ("false", "merged", "split")}


def measures(rows: Sequence[Row], label: str, clusters: NDArray[Any] | None) -> list[Measure]:
    """Sensitivity, precision and F1 pooled over cases; false, merged and split lesions per case.

    Of the cases whose truth states the label.
    """
    rows, clusters = stating(rows, label, clusters)
    true, missed, false, *rest = numbers(rows, [f"lesions_{kind}_{label}" for kind in _KINDS]).T
    hit = true - missed
    shares = ((hit, true), (hit, hit + false), (2 * hit, true + hit + false))
    found = [
        Measure(METRICS[key], label, unit, partial(ratio_ci, part, whole, cluster=clusters))
        for key, unit, (part, whole) in zip(SHARES, _UNITS, shares, strict=True)
    ]
    for key, values in zip(PER_CASE, (false, *rest), strict=True):
        compute = partial(mean_ci, values, cluster=clusters)
        found.append(Measure(METRICS[key], label, "lesions per case", compute))
    return found
