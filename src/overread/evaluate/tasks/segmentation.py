"""A label for every voxel: errors of volumes and counts from the tuning cases; overlap, distance, lesions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.figures import Figure, PerCaseFigure
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.metrics import METRICS as ALL
from overread.evaluate.rules import no_rule
from overread.evaluate.spreads import difference_spread, ratio_spread
from overread.evaluate.tasks.protocol import Calibrated, Row, Telling
from overread.evaluate.tasks.rows import numbers, of_kind
from overread.imaging.image import Image
from overread.runtime.answer import Answer, LabelMap
from overread.runtime.manifest import Calibration, Manifest
from overread.runtime.measure import count_components, unit_volume
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.tasks import segmentation as runtime
from overread.stats.intervals import mean_ci, ratio_ci
from overread.stats.segmentation import dice, hausdorff95, lesion_detection, volume_error

OVERLAPS = ("dice", "hd95", "volume_error")
OF_LESIONS = ("lesion_sensitivity", "lesion_precision", "lesion_f1", "false_lesions_per_case")
LESION_UNITS = ("proportion of lesions", "proportion of found lesions", "harmonic mean, 0 to 1")
SHOWN = 3

METRICS: tuple[Metric, ...] = tuple(ALL[key] for key in (*OVERLAPS, *OF_LESIONS))
Evidence = dict[str, tuple[float, float, int]]
"""Per label: found and true volume (area) in the unit of the measurement, and true less found number of parts."""


def offered(
    labels: Sequence[str], positive: str | None, counted: Sequence[str], /
) -> list[tuple[Metric, str | None]]:
    """The mean Dice, overlap and distances of each label, and those of the lesions of counted ones."""
    pairs: list[tuple[str, str | None]] = [("dice", None)]
    pairs += [(key, label) for key in OVERLAPS for label in labels[1:]]
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
        missing = count_components(true) - count_components(found) if counts else 0
        out[label] = (int(found.sum()) * per_voxel, int(true.sum()) * per_voxel, missing)
    return out


def calibrate(
    evidence: Sequence[Evidence], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
) -> Calibrated:
    """Errors of volumes and counts, as limits that cover those of a further patient."""
    table = {label: np.array([e[label] for e in evidence], np.float64) for label in manifest.labels[1:]}
    ratios = {label: ratio_spread(v[:, :2], cluster=clusters) for label, v in table.items()}
    counts = {
        label: difference_spread(table[label][:, 2], cluster=clusters) for label in manifest.counted_labels
    }
    levels = np.linspace(0, 1, 11)
    return Calibrated(
        Calibration(
            volume_ratio={label: spread for label, spread in ratios.items() if spread is not None},
            count_difference={label: spread for label, spread in counts.items() if spread is not None},
            cases=len(evidence),
        ),
        reference={"volume": {label: np.quantile(v[:, 0], levels).tolist() for label, v in table.items()}},
    )


def row(answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
    """``dice_``, ``hd95_``, ``volume_error_<label>``, the mean ``dice``, and the lesions of counted labels.

    ``volume_error`` is in ml, in 2D in the square of ``length_unit``, which is mm or, where unknown, pixels.
    """
    if answer is None:
        return {}
    mask, real = of_kind(answer, LabelMap).mask, np.asarray(truth)
    per_unit = 1000 if mask.ndim == 3 else 1  # mm3 in a ml; areas stay in mm2
    columns: Row = {"length_unit": "mm" if image.source.get("spacing_known", True) else "pixels"}
    overlaps = []
    for k, label in enumerate(manifest.labels[1:], 1):
        found, true = mask == k, real == k
        overlaps.append(float(dice(found, true)))
        columns[f"dice_{label}"] = overlaps[-1]
        columns[f"hd95_{label}"] = float(hausdorff95(found, true, spacing=image.spacing))
        error = volume_error(found, true, spacing=image.spacing)
        columns[f"volume_error_{label}"] = float(error.difference / per_unit)
        if label in manifest.counted_labels:
            hit = lesion_detection(found, true)
            columns |= {f"lesions_true_{label}": hit.tp + hit.fn, f"lesions_missed_{label}": hit.fn}
            columns[f"lesions_false_{label}"] = hit.fp
    columns["dice"] = float(np.mean(overlaps))
    return columns


def measures(rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /) -> list[Measure]:
    """Means over cases; lesions pooled over cases."""
    labels = manifest.labels[1:]
    units = {"dice": "overlap, 0 to 1", "hd95": "mm", "volume_error": "ml, found minus true"}
    if manifest.preprocess.dimensions == 2:
        in_mm = all(r["length_unit"] == "mm" for r in rows)
        length, area = ("mm", "mm2") if in_mm else ("pixels", "pixels")
        units |= {"hd95": length, "volume_error": f"{area}, found minus true"}
    pairs: list[tuple[str, str | None]] = [("dice", None)]
    pairs += [(key, label) for key in OVERLAPS for label in labels]
    found = []
    for key, of in pairs:
        values = numbers(rows, [key if of is None else f"{key}_{of}"])[:, 0]
        bounds = (0.0, 1.0) if key == "dice" else None
        compute = partial(mean_ci, values, cluster=clusters, bounds=bounds)
        found.append(Measure(ALL[key], of, units[key], compute))
    for label in manifest.counted_labels:
        table = numbers(rows, [f"lesions_{kind}_{label}" for kind in ("true", "missed", "false")])
        found += _lesion_measures(table, label, clusters)
    return found


def figures(rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /) -> list[Figure]:
    """Dice of every case."""
    labels = manifest.labels[1:]
    table = numbers(rows, [f"dice_{label}" for label in labels])
    means = {m.label: m for m in measured if m.metric.key == "dice" and m.label is not None}
    values = {label: table[:, k] for k, label in enumerate(labels)}
    title = "Dice of every test case"
    return [PerCaseFigure(title, "Dice coefficient", [r["case"] for r in rows], values, means)]


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    """Worst, median and best by the mean Dice."""
    ranked = sorted(rows, key=lambda r: float(r["dice"]))
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
    return out


def _lesion_measures(table: NDArray[np.float64], label: str, clusters: NDArray[Any] | None) -> list[Measure]:
    """Sensitivity, precision and F1 pooled over cases, and false lesions per case.

    ``table``: ``(cases, 3)`` of true, missed and false lesions; intervals by bootstrap over cases or patients.
    """
    true, missed, false = table.T
    hit = true - missed
    shares = ((hit, true), (hit, hit + false), (2 * hit, true + hit + false))
    found = [
        Measure(ALL[key], label, unit, partial(ratio_ci, part, whole, cluster=clusters))
        for key, unit, (part, whole) in zip(OF_LESIONS, LESION_UNITS, shares, strict=False)
    ]
    compute = partial(mean_ci, false, cluster=clusters)
    return [*found, Measure(ALL[OF_LESIONS[3]], label, "lesions per case", compute)]
