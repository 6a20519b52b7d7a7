"""Boxes around objects: a scale and a threshold per label from the tuning images; precision, sensitivity, FROC."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate import volumes
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.figures import Figure, FrocFigure
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.metrics import METRICS as ALL
from overread.evaluate.objects import (
    Ranked,
    as_text,
    corners,
    from_text,
    object_point,
    overlap_needed,
    right_ones,
)
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, notes_of, numbers, of_kind, score_quantiles
from overread.evaluate.rules import object_rule
from overread.evaluate.spreads import difference_spreads
from overread.evaluate.tasks.protocol import Telling
from overread.evaluate.thresholds import scale_of
from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.runtime.answer import Answer, Objects
from overread.runtime.manifest import Calibration, Manifest
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.tasks import detection as runtime
from overread.stats.detection import (
    MeanAveragePrecision,
    froc_curve,
    matched_marks,
    mean_average_precision,
)
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, ratio_ci

BY_LABEL = ("average_precision", "sensitivity", "precision", "false_positives_per_image", "count_coverage")
COUNTS = ("true", "right", "false")
ANSWERED_ONLY = frozenset({"precision", "false_positives_per_image", "count_coverage"})
ERRORS, RIGHT = 6, 3
_CLIP = 1e-12  # a score of exactly 0 or 1 has no logit

METRICS: tuple[Metric, ...] = tuple(ALL[key] for key in ("map", *BY_LABEL))
Evidence = tuple[Boxes, Boxes]
"""Candidates with the network's own scores, and true boxes."""


def offered(
    labels: Sequence[str], positive: str | None, counted: Sequence[str], /
) -> list[tuple[Metric, str | None]]:
    """The mean average precision, and everything of each label."""
    return [(ALL["map"], None), *((ALL[key], label) for label in labels for key in BY_LABEL)]


def rule(text: str, labels: Sequence[str], positive: str | None, /) -> str:
    """One rule for the threshold of every label, ``f1`` unless stated."""
    return object_rule(text)


def evidence(raw: Outputs, truth: TruthValue, prepared: Prepared, manifest: Manifest, /) -> Evidence:
    """All candidates, whatever their label's threshold, on the image's own grid."""
    plain = manifest.model_copy(
        update={
            "operating_points": {},
            "calibration": manifest.calibration.model_copy(update={"scales": {}}),
        }
    )
    return of_kind(runtime.answer(raw, prepared, plain), Objects).boxes, _boxes(truth)


def calibrate(
    evidence: Sequence[Evidence], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
) -> Calibrated:
    """Of each label: Platt's scale of the candidates' logit against being right, and the threshold.

    A scaled score says how often such a candidate is on a true object. Errors of the number of objects give its
    prediction interval.
    """
    labels = manifest.labels
    least = overlap_needed(manifest)
    right = [right_ones(found, true, least=least) for found, true in evidence]
    scales, points, counts = {}, {}, {}
    about_scale, about_point, about_count = {}, {}, {}
    best = np.zeros((len(evidence), len(labels)))
    for k, label in enumerate(labels):
        ranked = _ranked(evidence, right, k, clusters)
        z = logit(np.clip(ranked.score, _CLIP, 1 - _CLIP))
        # Candidates of one image, or one patient, say little more than one.
        owner = ranked.image if clusters is None else clusters[ranked.image]
        scales[label], about_scale[label] = scale_of(z, ranked.right, cluster=owner)
        p = expit(scales[label].slope * z + scales[label].intercept)
        scaled = Ranked(p, ranked.right, ranked.image, ranked.true, clusters)
        points[label], about_point[label] = object_point(scaled, rule)
        hit, false = scaled.counts(points[label].threshold)
        parts, why = difference_spreads(np.stack([hit + false, ranked.true], axis=1), cluster=clusters)
        if parts:
            counts[label] = parts
        if why:
            about_count[label] = why
        np.maximum.at(best[:, k], ranked.image, p)
    return Calibrated(
        Calibration(scales=scales, count_differences=counts, reasons=about_count, cases=len(evidence)),
        points,
        {"score_quantiles": score_quantiles(best, labels)} | notes_of(about_scale, about_point),
    )


def row(answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
    """True boxes and candidates as JSON; ``true_``, ``right_`` and ``false_<label>`` count objects and found boxes.

    Only boxes that reach their threshold count as found; candidates below it are kept for the curve.
    """
    labels, true = manifest.labels, _boxes(truth)
    columns: Row = {"truth": as_text(true, labels)}
    of_label = np.bincount(true.labels, minlength=len(labels))
    columns |= {f"true_{label}": int(n) for label, n in zip(labels, of_label, strict=True)}
    if answer is None:
        return columns
    given = of_kind(answer, Objects)
    right = right_ones(given.boxes, true, least=overlap_needed(manifest))
    for k, label in enumerate(labels):
        mine = given.boxes.labels == k
        columns[f"right_{label}"] = int((mine & right).sum())
        columns[f"false_{label}"] = int((mine & ~right).sum())
        n = int(of_label[k])
        columns[f"count_inside_{label}"] = volumes.inside(given.measurements, label, ["count"], n)
    columns["candidates"] = as_text(given.boxes if given.candidates is None else given.candidates, labels)
    return columns


def unanswered(row: Row, manifest: Manifest, /) -> Row:
    """In a refused image every object was missed."""
    none = {f"{kind}_{label}": 0 for label in manifest.labels for kind in ("right", "false")}
    return none | {"candidates": "[]"}


def shows(row: Row, manifest: Manifest, /) -> list[str]:
    """The labels of which an image has an object."""
    return [label for label in manifest.labels if row[f"true_{label}"]]


def measures(rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /) -> list[Measure]:
    """Average precision over all thresholds, and what the fixed thresholds give."""
    labels, least = manifest.labels, overlap_needed(manifest)

    @cache
    def precision() -> MeanAveragePrecision:
        found, true = _entries(rows, manifest)
        # The package has bounded the candidates; COCO's 100 a picture would cut off those of a full one.
        most = max([1, *(len(entry["scores"]) for entry in found)])
        return mean_average_precision(
            found, true, iou_thresholds=[least], max_detections=most, cluster=clusters
        )

    def of_label(k: int) -> Interval:
        if k not in precision().by_class:
            raise ValueError("no image has it")
        return precision().by_class[k]

    table = {label: numbers(rows, [f"{kind}_{label}" for kind in COUNTS]) for label in labels}
    shown = [label for label in labels if table[label][:, 0].any()]
    unit = f"area under precision and recall, overlap from {least:g}"
    mean_unit = unit if len(shown) == len(labels) else f"{unit}; {len(shown)} of {len(labels)} labels"
    out = [Measure(ALL["map"], None, mean_unit, lambda: precision().map)]
    for k, label in enumerate(labels):
        true, right, false = table[label].T
        computed = {
            "average_precision": (unit, partial(of_label, k)),
            "sensitivity": ("proportion of objects", partial(ratio_ci, right, true, cluster=clusters)),
            "precision": ("proportion of boxes", partial(ratio_ci, right, right + false, cluster=clusters)),
            "false_positives_per_image": ("boxes per image", partial(mean_ci, false, cluster=clusters)),
            "count_coverage": (
                f"{CASES} with a stated interval",
                partial(volumes.coverage, numbers(rows, [f"count_inside_{label}"])[:, 0], clusters),
            ),
        }
        out += [Measure(ALL[key], label, *computed[key]) for key in BY_LABEL]
    return out


def figures(rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /) -> list[Figure]:
    """Free-response ROC curve of every label that an image has."""
    names, rates, shares, points = [], [], [], []
    found, true = _entries(rows, manifest)
    for k, label in enumerate(manifest.labels):
        counts = numbers(rows, [f"{kind}_{label}" for kind in COUNTS])
        objects, right, false = counts.sum(axis=0)
        if not objects:
            continue
        marks = matched_marks(
            [_of_class(e, k) for e in found],
            [_of_class(e, k) for e in true],
            rule="iou",
            threshold=overlap_needed(manifest),
            duplicates="false",
        )
        curve = froc_curve(marks)
        names.append(label)
        rates.append(curve.false_per_image)
        shares.append(curve.sensitivity)
        fixed = label in manifest.operating_points
        points.append((float(false / len(rows)), float(right / objects)) if fixed else None)
    return [FrocFigure(names, rates, shares, points)] if names else []


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    """The images with most missed and false boxes, and some where all is right."""

    def total(r: Row, kind: str) -> int:
        return sum(int(r[f"{kind}_{label}"]) for label in manifest.labels)

    counted = [(r, total(r, "true") - total(r, "right"), total(r, "false")) for r in rows]
    wrong = sorted((c for c in counted if c[1] + c[2]), key=lambda c: -(c[1] + c[2]))
    right = sorted((c for c in counted if not c[1] + c[2]), key=lambda c: -total(c[0], "true"))
    return [
        Telling(title, r["case"], f"{r['case']}: {total(r, 'right')} found, {missed} missed, {false} false")
        for title, part in (("Most errors", wrong[:ERRORS]), ("Correct", right[:RIGHT]))
        for r, missed, false in part
    ]


def _boxes(truth: TruthValue) -> Boxes:
    if not isinstance(truth, Boxes):
        raise TypeError(f"found a truth of {type(truth).__name__}, expected Boxes")
    return truth


def _ranked(
    evidence: Sequence[Evidence],
    right: Sequence[NDArray[np.bool_]],
    k: int,
    clusters: NDArray[Any] | None,
) -> Ranked:
    """The candidates of label ``k`` over all images."""
    mine = [found.labels == k for found, _ in evidence]
    return Ranked(
        np.concatenate([found.scores[m] for (found, _), m in zip(evidence, mine, strict=True)]),
        np.concatenate([r[m] for r, m in zip(right, mine, strict=True)]),
        np.repeat(np.arange(len(evidence)), [int(m.sum()) for m in mine]),
        np.array([np.count_nonzero(true.labels == k) for _, true in evidence], np.float64),
        clusters,
    )


def _entries(rows: Sequence[Row], manifest: Manifest) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Candidates and true boxes of every row as `overread.stats.detection` takes them."""
    axes = manifest.preprocess.dimensions
    found, true = [], []
    for r in rows:
        boxes = from_text(r["candidates"], manifest.labels, axes=axes)
        real = from_text(r["truth"], manifest.labels, axes=axes)
        found.append({"boxes": corners(boxes), "labels": boxes.labels, "scores": boxes.scores})
        true.append({"boxes": corners(real), "labels": real.labels})
    return found, true


def _of_class(entry: dict[str, Any], k: int) -> dict[str, Any]:
    mine = entry["labels"] == k
    return {name: values[mine] for name, values in entry.items()}
