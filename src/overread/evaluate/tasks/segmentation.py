"""A label for every voxel: errors of volumes and counts from the tuning cases; overlap, distance, volumes, lesions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.protocol import TruthValue
from overread.cohort.truth.unknown import unstated
from overread.evaluate import lesions, measured, overlaps, predicted_dice, volumes
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.figures import Figure, PerCaseFigure
from overread.evaluate.mask_pair import MaskPair, known_part
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.metrics import METRICS as ALL
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, numbers, of_kind
from overread.evaluate.rules import no_rule
from overread.evaluate.selective import REFERRED
from overread.evaluate.tasks.protocol import Telling
from overread.evaluate.tuning_masks import calibrate_masks
from overread.imaging.image import Image
from overread.runtime.answer import Answer, LabelMap
from overread.runtime.manifest import Manifest
from overread.runtime.measure import count_components, unit_volume
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.quality import agreement
from overread.runtime.regions import structures
from overread.runtime.tasks import segmentation as runtime

OVERLAPS = ("dice", "dice_with_empty", "hd95", "nsd", "false_finding", "missed")
OF_COUNTS = ("count_coverage", "count_coverage_present")
OF_LESIONS = (*lesions.KEYS, *OF_COUNTS)
OF_QUALITY = ("expected_dice_error", "expected_dice_coverage")
ANSWERED_ONLY = frozenset(
    {
        *volumes.OF_VOLUMES,
        *lesions.PER_CASE,
        "lesion_precision",
        *OF_COUNTS,
        *measured.KEYS,
        *OF_QUALITY,
        *REFERRED,
    }
)
SHOWN = 3
METRICS: tuple[Metric, ...] = tuple(
    ALL[key]
    for key in (*OVERLAPS, *volumes.OF_VOLUMES, *OF_LESIONS, *OF_QUALITY, *REFERRED, *sorted(measured.KEYS))
)


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


def evidence(raw: Outputs, truth: TruthValue, prepared: Prepared, manifest: Manifest, /) -> MaskPair:
    """Both masks, packed, and how far networks, views or probabilities agree."""
    plain = manifest.model_copy(update={"measures": {}, "counted_labels": [], "postprocess": {}})
    mask = of_kind(runtime.answer(raw, prepared, plain), LabelMap).mask
    return MaskPair.of(mask, truth, prepared.original, agreement(raw, manifest))


def calibrate(
    evidence: Sequence[MaskPair], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
) -> Calibrated:
    """How parts are cleaned, errors of volumes, counts and measures, and what predicts the Dice of one mask."""
    return calibrate_masks(evidence, manifest, clusters)


def row(answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
    """Of each structure what `overread.evaluate.overlaps`, ``lesions``, ``volumes`` and ``measured`` ask for; the mean
    ``dice``; the Dice that was expected.

    Volumes are in ml; areas in the square of ``length_unit``, which is mm or, where unknown, pixels. Of a refused case
    only what is true stands there, and of a structure that the truth does not state, nothing.
    """
    name, _, per_voxel = unit_volume(image)
    columns: Row = {
        "length_unit": "mm" if image.source.get("spacing_known", True) else "pixels",
        "diagonal": float(np.linalg.norm(np.array(image.spatial) * np.array(image.spacing))),
    }
    given = None if answer is None else of_kind(answer, LabelMap)
    whole = np.zeros(image.spatial, np.uint8) if given is None else given.mask
    mask, real = known_part(whole, truth)
    of, unknown = structures(manifest.labels, manifest.regions), set(unstated(truth))
    for label, values in of.items():
        if unknown & set(values):
            continue
        found, true = np.isin(mask, values), np.isin(real, values)
        part = overlaps.columns(found, true, image, label)
        size = float(true.sum() * per_voxel)
        part |= {f"volume_found_{label}": float(found.sum() * per_voxel), f"volume_true_{label}": size}
        stated = () if given is None else given.measurements
        if given is not None:
            part[f"inside_{label}"] = volumes.inside(stated, label, [name], size)
            part |= predicted_dice.columns(given.quality.get(label), part[f"dice_{label}"], label)
            if label in manifest.uncertainty.refer:
                part[f"refer_{label}"] = int(label in given.referred)
        part |= measured.columns(stated, true, image, label, manifest.measures.get(label, []))
        if label in manifest.counted_labels:
            part |= lesions.columns(found, true, label)
            if given is not None:
                n = count_components(true, smallest=manifest.smallest_part)
                part[f"count_inside_{label}"] = volumes.inside(stated, label, ["count"], n)
        if given is None:
            part = {key: v for key, v in part.items() if key.startswith("shown_") or "_true_" in key}
        columns |= part
    if given is not None:
        columns["dice"] = overlaps.mean_overlap(columns, list(of))
    return columns


def unanswered(row: Row, manifest: Manifest, /) -> Row:
    """A refused case as the worst answer: what is there was missed, what is not there was not cleared."""
    columns: Row = {}
    for label in structures(manifest.labels, manifest.regions):
        columns |= overlaps.unanswered(row, label)
        if label in manifest.counted_labels:
            columns |= lesions.none_found(row, label)
    return columns


def shows(row: Row, manifest: Manifest, /) -> list[str]:
    """The labels that a case has."""
    return [label for label in structures(manifest.labels, manifest.regions) if row.get(f"shown_{label}")]


def measures(rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /) -> list[Measure]:
    """Means over cases; lesions pooled over cases."""
    labels = list(structures(manifest.labels, manifest.regions))
    length, volume = "mm", "ml"
    if manifest.preprocess.dimensions == 2:
        in_mm = all(r["length_unit"] == "mm" for r in rows)
        length, volume = ("mm", "mm2") if in_mm else ("pixels", "pixels")
    found = overlaps.measures(rows, labels, length, clusters)
    found += volumes.measures(rows, labels, volume, clusters)
    for label in manifest.counted_labels:
        found += lesions.measures(rows, label, clusters)
        held, true = numbers(rows, [f"count_inside_{label}", f"lesions_true_{label}"]).T
        for key, values in zip(OF_COUNTS, (held, np.where(true > 0, held, np.nan)), strict=True):
            compute = partial(volumes.coverage, values, clusters)
            found.append(Measure(ALL[key], label, f"{CASES} with a stated interval", compute))
    for label in labels:
        found += measured.measures(rows, label, manifest.measures.get(label, []), length, clusters)
        if label in manifest.uncertainty.quality:
            found += predicted_dice.measures(rows, label, clusters)
        refer = manifest.uncertainty.refer.get(label)
        if refer is not None and refer.dice is not None:
            found += predicted_dice.referral_measures(rows, label, refer.dice, clusters)
    return found


def figures(rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /) -> list[Figure]:
    """Dice of every case that shows the label; NaN where it does not."""
    labels = list(structures(manifest.labels, manifest.regions))
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
        names = structures(manifest.labels, manifest.regions)
        return float(sum(r[f"volume_found_{k}"] for k in names if r.get(f"shown_{k}") == 0))

    wrong = sorted((r for r in rows if r["dice"] is None and false(r) > 0), key=lambda r: -false(r))
    return out + [
        Telling("Found where nothing is", r["case"], f"{r['case']}, nothing there, something found")
        for r in wrong[:SHOWN]
    ]
