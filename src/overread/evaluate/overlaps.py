"""Overlap and distance of one label in one case, and their means over the cases that show it.

A case without the structure has no overlap to measure: there it matters whether something was found and how much. The
mean that counts such cases as 1 where nothing was found, as many publications have it, stands beside as a second line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.metric import Measure
from overread.evaluate.metrics import METRICS
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, numbers, part_of
from overread.imaging.image import Image
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, rate_ci
from overread.stats.segmentation import dice, hausdorff95, nsd

TOLERANCE_MM = 2.0
"""Of the surface Dice in volumes; no less than the largest distance of voxels."""
TOLERANCE_PIXELS = 2.0
"""Of the surface Dice in the plane."""


def tolerance(image: Image) -> float:
    """How far two outlines may lie apart and still count as the same, in the unit of the image's spacing."""
    if len(image.spatial) == 3:
        return max(TOLERANCE_MM, max(image.spacing))
    return TOLERANCE_PIXELS * max(image.spacing)


def columns(found: NDArray[np.bool_], true: NDArray[np.bool_], image: Image, label: str) -> Row:
    """``shown_``, ``found_`` (0 or 1), ``dice_``, ``hd95_`` and ``nsd_<label>``; None where the case lacks it."""
    shown = bool(true.any())
    out: Row = {f"shown_{label}": int(shown), f"found_{label}": int(found.any())}
    if not shown:
        return out | {f"{key}_{label}": None for key in ("dice", "hd95", "nsd")}
    return out | {
        f"dice_{label}": float(dice(found, true)),
        f"hd95_{label}": float(hausdorff95(found, true, spacing=image.spacing)),
        f"nsd_{label}": float(nsd(found, true, spacing=image.spacing, tolerance=tolerance(image))),
    }


def unanswered(row: Row, label: str) -> Row:
    """The columns of a case without an answer: missed where it is shown, not cleared where it is not."""
    if f"shown_{label}" not in row:
        return {}
    shown = bool(row[f"shown_{label}"])
    worst = {f"dice_{label}": 0.0, f"nsd_{label}": 0.0, f"hd95_{label}": row["diagonal"]}
    absent: Row = dict.fromkeys(worst)
    return {f"found_{label}": int(not shown)} | (worst if shown else absent)


def mean_overlap(row: Row, labels: Sequence[str]) -> float | None:
    """Mean Dice of a case over the labels that it shows; None where it shows none."""
    found = [row[f"dice_{label}"] for label in labels if row.get(f"dice_{label}") is not None]
    return float(np.mean(found)) if found else None


def measures(
    rows: Sequence[Row], labels: Sequence[str], length: str, clusters: NDArray[Any] | None
) -> list[Measure]:
    """Of every label the means over the cases that show it, and what was found in those that do not.

    ``length``: unit of distances.
    """
    overlap = "overlap, 0 to 1"
    each = np.stack([_dice(rows, label) for label in labels], axis=1)
    shown = np.isfinite(each)
    of_case = np.array([np.nan if not s.any() else row[s].mean() for row, s in zip(each, shown, strict=True)])
    empty = [_with_empty(rows, label) for label in labels]
    stated = np.isfinite(np.stack(empty, axis=1))
    of_empty = np.array(
        [
            np.nan if not s.any() else row[s].mean()
            for row, s in zip(np.stack(empty, axis=1), stated, strict=True)
        ]
    )
    out = [
        Measure(METRICS["dice"], None, overlap, partial(_mean, of_case, clusters, (0.0, 1.0))),
        Measure(
            METRICS["dice_with_empty"],
            None,
            f"{overlap}; {_pairs(rows, labels)} both empty",
            partial(_mean, of_empty, clusters, (0.0, 1.0)),
        ),
    ]
    for k, label in enumerate(labels):
        there, some = numbers(rows, [f"shown_{label}", f"found_{label}"]).T
        far, near = numbers(rows, [f"hd95_{label}", f"nsd_{label}"]).T
        out += [
            Measure(METRICS["dice"], label, overlap, partial(_mean, each[:, k], clusters, (0.0, 1.0))),
            Measure(
                METRICS["dice_with_empty"],
                label,
                f"{overlap}; {_pairs(rows, [label])} both empty",
                partial(_mean, empty[k], clusters, (0.0, 1.0)),
            ),
            Measure(METRICS["hd95"], label, length, partial(_mean, far, clusters, None)),
            Measure(METRICS["nsd"], label, overlap, partial(_mean, near, clusters, (0.0, 1.0))),
            Measure(
                METRICS["false_finding"],
                label,
                f"{CASES} without it",
                partial(_share, some == 1, there == 0, "every case shows it", clusters),
            ),
            Measure(
                METRICS["missed"],
                label,
                f"{CASES} that show it",
                partial(_share, some == 0, there == 1, "no case shows it", clusters),
            ),
        ]
    return out


def _dice(rows: Sequence[Row], label: str) -> NDArray[np.float64]:
    return numbers(rows, [f"dice_{label}"])[:, 0]


def _with_empty(rows: Sequence[Row], label: str) -> NDArray[np.float64]:
    """Dice of every case, 1 where nothing is there and nothing was found, 0 where only found."""
    value, some = _dice(rows, label), numbers(rows, [f"found_{label}"])[:, 0]
    return np.where(np.isfinite(value), value, 1.0 - some)


def _pairs(rows: Sequence[Row], labels: Sequence[str]) -> str:
    stated = [(r, k) for r in rows for k in labels if r.get(f"shown_{k}") is not None]
    both = sum(not r[f"shown_{k}"] and not r[f"found_{k}"] for r, k in stated)
    return f"{both} of {len(stated)} pairs"


def _mean(
    values: NDArray[np.float64], clusters: NDArray[Any] | None, bounds: tuple[float, float] | None
) -> Interval:
    known = np.isfinite(values)
    if not known.any():
        raise ValueError("no case shows it")
    return mean_ci(values[known], cluster=part_of(clusters, known), bounds=bounds)


def _share(
    values: NDArray[np.bool_], where: NDArray[np.bool_], none: str, clusters: NDArray[Any] | None
) -> Interval:
    if not where.any():
        raise ValueError(none)
    return rate_ci(values[where], cluster=part_of(clusters, where))
