"""A label for every voxel: errors of volumes and counts from the tuning cases; overlap, distance, volumes, lesions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate import lesions, overlaps, volumes
from overread.evaluate.figures import Figure, PerCaseFigure
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.metrics import METRICS as ALL
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, numbers, of_kind
from overread.evaluate.rules import no_rule
from overread.evaluate.spreads import difference_spreads, ratio_spreads
from overread.evaluate.tasks.protocol import Calibrated, Telling
from overread.imaging.image import Image
from overread.runtime.answer import Answer, LabelMap
from overread.runtime.manifest import Calibration, Manifest
from overread.runtime.measure import count_components, unit_volume
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.tasks import segmentation as runtime

OVERLAPS = ("dice", "dice_with_empty", "hd95", "nsd", "false_finding")
OF_LESIONS = (*lesions.KEYS, "count_coverage")
ANSWERED_ONLY = frozenset({*volumes.OF_VOLUMES, *lesions.PER_CASE, "lesion_precision", "count_coverage"})
SHOWN = 3

METRICS: tuple[Metric, ...] = tuple(ALL[key] for key in (*OVERLAPS, *volumes.OF_VOLUMES, *OF_LESIONS))
Evidence = dict[str, tuple[float, float, int, int]]
"""Per label: found and true volume (area) in the unit of the measurement, found and true number of parts."""


def offered(
    labels: Sequence[str], positive: str | None, counted: Sequence[str], /
) -> list[tuple[Metric, str | None]]:
    """The mean Dice, overlap, distances and volumes of each label, and those of the lesions of counted ones."""
    pairs: list[tuple[str, str | None]] = [("dice", None), ("dice_with_empty", None)]
    pairs += [(key, label) for label in labels[1:] for key in (*OVERLAPS, *volumes.OF_VOLUMES)]
    pairs += [(key, label) for label in counted for key in OF_LESIONS]
    return [(ALL[key], label) for key, label in pairs]


def rule(text: str, labels: Sequence[str], positive: str | None, /) -> str:
    """None: of each voxel the likeliest label is decided."""
    return no_rule(text, "of each voxel the likeliest label is decided, by no threshold")


def evidence(raw: Outputs, truth: TruthValue, prepared: Prepared, manifest: Manifest, /) -> Evidence:
    """Volumes and counts, found and true."""
    mask, real = of_kind(runtime.answer(raw, prepared, manifest), LabelMap).mask, np.asarray(truth)
    _, _, per_voxel = unit_volume(prepared.original)
    out: Evidence = {}
    for k, label in enumerate(manifest.labels[1:], 1):
        found, true = mask == k, real == k
        counts = label in manifest.counted_labels
        least = manifest.smallest_part
        parts = tuple(count_components(m, smallest=least) for m in (found, true)) if counts else (0, 0)
        out[label] = (int(found.sum()) * per_voxel, int(true.sum()) * per_voxel, parts[0], parts[1])
    return out


def calibrate(
    evidence: Sequence[Evidence], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
) -> Calibrated:
    """Errors of volumes and counts by what was found, as limits that cover those of a further patient."""
    reasons: dict[str, str] = {}
    ratios, counts = {}, {}
    for label in manifest.labels[1:]:
        table = np.array([e[label] for e in evidence], np.float64)
        ratios[label], why = ratio_spreads(table[:, :2], cluster=clusters)
        if why:
            reasons[label] = why
        if label in manifest.counted_labels:
            counts[label], why = difference_spreads(table[:, 2:], cluster=clusters)
            if why:
                reasons.setdefault(label, why)
    levels = np.linspace(0, 1, 11)
    found = {label: [e[label][0] for e in evidence] for label in manifest.labels[1:]}
    return Calibrated(
        Calibration(
            volume_ratios={label: parts for label, parts in ratios.items() if parts},
            count_differences={label: parts for label, parts in counts.items() if parts},
            reasons=reasons,
            cases=len(evidence),
        ),
        reference={"volume": {label: np.quantile(v, levels).tolist() for label, v in found.items()}},
    )


def row(answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
    """Of each label what `overread.evaluate.overlaps`, ``lesions`` and ``volumes`` ask for; the mean ``dice``.

    Volumes are in ml; areas in the square of ``length_unit``, which is mm or, where unknown, pixels. Of a refused case
    only what is true stands there.
    """
    real = np.asarray(truth)
    name, _, per_voxel = unit_volume(image)
    columns: Row = {
        "length_unit": "mm" if image.source.get("spacing_known", True) else "pixels",
        "diagonal": float(np.linalg.norm(np.array(image.spatial) * np.array(image.spacing))),
    }
    given = None if answer is None else of_kind(answer, LabelMap)
    mask = np.zeros(real.shape, np.uint8) if given is None else given.mask
    for k, label in enumerate(manifest.labels[1:], 1):
        found, true = mask == k, real == k
        part = overlaps.columns(found, true, image, label)
        size = float(true.sum() * per_voxel)
        part |= {f"volume_found_{label}": float(found.sum() * per_voxel), f"volume_true_{label}": size}
        if given is not None:
            part[f"inside_{label}"] = volumes.inside(given.measurements, label, [name], size)
        if label in manifest.counted_labels:
            part |= lesions.columns(found, true, label)
            if given is not None:
                n = count_components(true, smallest=manifest.smallest_part)
                part[f"count_inside_{label}"] = volumes.inside(given.measurements, label, ["count"], n)
        if given is None:
            part = {
                key: v for key, v in part.items() if key.startswith(("shown_", "volume_true", "lesions_true"))
            }
        columns |= part
    if given is not None:
        columns["dice"] = overlaps.mean_overlap(columns, manifest.labels[1:])
    return columns


def unanswered(row: Row, manifest: Manifest, /) -> Row:
    """A refused case as the worst answer: what is there was missed, what is not there was not cleared."""
    columns: Row = {}
    for label in manifest.labels[1:]:
        columns |= overlaps.unanswered(row, label)
        if label in manifest.counted_labels:
            columns |= lesions.none_found(row, label)
    return columns


def shows(row: Row, manifest: Manifest, /) -> list[str]:
    """The labels that a case has."""
    return [label for label in manifest.labels[1:] if row[f"shown_{label}"]]


def measures(rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /) -> list[Measure]:
    """Means over cases; lesions pooled over cases."""
    labels = manifest.labels[1:]
    length, volume = "mm", "ml"
    if manifest.preprocess.dimensions == 2:
        in_mm = all(r["length_unit"] == "mm" for r in rows)
        length, volume = ("mm", "mm2") if in_mm else ("pixels", "pixels")
    found = overlaps.measures(rows, labels, length, clusters)
    found += volumes.measures(rows, labels, volume, clusters)
    for label in manifest.counted_labels:
        found += lesions.measures(rows, label, clusters)
        held = numbers(rows, [f"count_inside_{label}"])[:, 0]
        compute = partial(volumes.coverage, held, clusters)
        found.append(Measure(ALL["count_coverage"], label, f"{CASES} with a stated interval", compute))
    return found


def figures(rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /) -> list[Figure]:
    """Dice of every case that shows the label; NaN where it does not."""
    labels = manifest.labels[1:]
    table = numbers(rows, [f"dice_{label}" for label in labels])
    shown = [k for k in range(len(labels)) if np.isfinite(table[:, k]).any()]
    if not shown:
        return []
    means = {m.label: m for m in measured if m.metric.key == "dice" and m.label is not None}
    values = {labels[k]: table[:, k] for k in shown}
    return [
        PerCaseFigure("Dice of every test case", "Dice coefficient", [r["case"] for r in rows], values, means)
    ]


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    """Worst, median and best by the mean Dice; and the largest false findings where nothing is."""
    ranked = sorted((r for r in rows if r["dice"] is not None), key=lambda r: float(r["dice"]))
    middle = max(0, len(ranked) // 2 - 1)
    groups = {
        "Worst": ranked[:SHOWN],
        "Median": ranked[middle : middle + SHOWN],
        "Best": ranked[-SHOWN:],
    }
    shown: set[str] = set()
    out = []
    for title, part in groups.items():
        for r in part:
            if r["case"] not in shown:
                shown.add(r["case"])
                out.append(Telling(title, r["case"], f"{r['case']}, Dice {r['dice']:.2f}"))

    def false(r: Row) -> float:
        return float(sum(r[f"volume_found_{k}"] for k in manifest.labels[1:] if not r[f"shown_{k}"]))

    wrong = sorted((r for r in rows if r["dice"] is None and false(r) > 0), key=lambda r: -false(r))
    return out + [
        Telling("Found where nothing is", r["case"], f"{r['case']}, nothing there, something found")
        for r in wrong[:SHOWN]
    ]
