"""Made-up answers and truths of every task, as rows of a test: small, with errors, with a patient of two cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.rows import Row
from overread.evaluate.tasks import TASKS
from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Measurement, Objects
from overread.runtime.manifest import (
    Calibration,
    Channel,
    Intensity,
    Manifest,
    OperatingPoint,
    Preprocess,
    Quantity,
    Spread,
)
from overread.runtime.measure import count_components
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import TASKS as RUNTIME

SIZE = 24


def manifest_of(task: str, labels: list[str], **more: Any) -> Manifest:
    """A manifest of a 2D package, without weights."""
    values: dict[str, Any] = {
        "name": "sample",
        "version": "1",
        "created": "2026-01-01T00:00:00+00:00",
        "task": task,
        "channels": [Channel(name="image")],
        "preprocess": Preprocess(dimensions=2, intensity=[Intensity(method="zscore")]),
        "labels": labels,
        "files": {},
    }
    return Manifest(**(values | more))


def points_of(labels: list[str], threshold: float = 0.5) -> dict[str, OperatingPoint]:
    """The same threshold for every label."""
    return {label: OperatingPoint(rule="youden", threshold=threshold) for label in labels}


def image() -> Image:
    """An empty picture of pixels of 0.5 mm."""
    return Image(np.zeros((1, SIZE, SIZE), np.float32), np.diag([0.5, 0.5, 1, 1]))


def classes_of(p: NDArray[np.float64], labels: list[str], decided: int | None = None) -> Classes:
    """The answer with probabilities ``p (labels,)``; the likeliest class, and one as likely, are in the set."""
    k = int(p.argmax()) if decided is None else decided
    likely = tuple(label for label, v in zip(labels, p, strict=True) if v >= p.max() - 0.2)
    odds = dict(zip(labels, logit(p).tolist(), strict=True))
    return Classes(dict(zip(labels, p.tolist(), strict=True)), labels[k], {}, likely, 0.9, log_odds=odds)


def boxes_of(rows: list[tuple[int, float, float, float, float, float]]) -> Boxes:
    """Boxes from ``(label, score, y0, x0, y1, x1)``."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Boxes.of(table[:, 2:4], table[:, 4:6], table[:, 0].astype(int), table[:, 1], axes=2)


def objects_of(candidates: Boxes, labels: list[str], threshold: float = 0.5) -> Objects:
    """The answer at one threshold for all labels."""
    best = candidates.where(np.argsort(-candidates.scores, kind="stable"))
    shown = best.where(best.scores >= threshold)
    numbers = np.bincount(shown.labels, minlength=len(labels)).tolist()
    stated = tuple(
        Measurement(label, "count", n, max(0, n - 1), n + 1, "1")
        for label, n in zip(labels, numbers, strict=True)
    )
    return Objects(
        shown, tuple(labels), dict.fromkeys(labels, threshold), measurements=stated, candidates=best
    )


@dataclass(frozen=True)
class Sample:
    """A manifest, and answers with their truths."""

    manifest: Manifest
    cases: list[tuple[Answer | None, TruthValue]]

    @property
    def rows(self) -> list[Row]:
        """Rows as a test writes them; the last two cases are of one patient."""
        return rows_of(self.manifest, self.cases)


def rows_of(
    manifest: Manifest,
    cases: list[tuple[Answer | None, TruthValue]],
    patient: Callable[[int], str] | None = None,
) -> list[Row]:
    """Rows of answers and truths; the last two cases are of one patient where ``patient`` does not say otherwise."""
    last = len(cases) - 2
    out = []
    for i, (answer, truth) in enumerate(cases):
        about = {
            "case": f"case{i:03d}",
            "patient": patient(i) if patient else f"p{min(i, last)}",
            "outcome": "out_of_limits" if answer is None else "ok",
        }
        out.append(about | TASKS[manifest.task].row(answer, truth, image(), manifest))
    return out


def classification(labels: list[str], positive: str | None = None, n: int = 60, seed: int = 0) -> Sample:
    """Noisy softmax scores; every tenth case is decided against its scores, as an operating point may do."""
    generator = np.random.default_rng(seed)
    k = len(labels)
    points = points_of([positive], 0.4) if positive else {}
    manifest = manifest_of("classification", labels, positive=positive, operating_points=points)
    cases: list[tuple[Answer | None, TruthValue]] = []
    for i in range(n):
        truth = i % k
        z = generator.normal(size=k)
        z[truth] += 1.5
        p = softmax(z)
        cases.append((classes_of(p, labels, (int(p.argmin())) if i % 10 == 3 else None), truth))
    return Sample(manifest, cases)


def multilabel(labels: list[str], n: int = 80, seed: int = 0, unknown: float = 0.2) -> Sample:
    """Findings of which a share of ``unknown`` is not stated."""
    generator = np.random.default_rng(seed)
    points = points_of(labels, 0.45)
    manifest = manifest_of("multilabel", labels, operating_points=points)
    cases: list[tuple[Answer | None, TruthValue]] = []
    for _ in range(n):
        truth = (generator.random(len(labels)) < 0.4).astype(float)
        z = generator.normal(size=len(labels)) + 1.6 * truth - 0.8
        truth[generator.random(len(labels)) < unknown] = np.nan
        p = expit(z)
        scores = dict(zip(labels, p.tolist(), strict=True))
        thresholds = {label: points[label].threshold for label in labels}
        present = tuple(label for label in labels if scores[label] >= thresholds[label])
        odds = dict(zip(labels, z.tolist(), strict=True))
        cases.append((Findings(scores, thresholds, present, log_odds=odds), truth))
    return Sample(manifest, cases)


def segmentation(labels: list[str], counted: list[str], n: int = 24, seed: int = 0) -> Sample:
    """Squares of each label in two cases of three, found a little shifted, with a false speck now and then and a miss;
    volumes and counts with an interval that mostly holds."""
    generator = np.random.default_rng(seed)
    manifest = manifest_of("segmentation", labels, counted_labels=counted)
    cases: list[tuple[Answer | None, TruthValue]] = []
    for i in range(n):
        truth, found = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
        stated = []
        for k in range(1, len(labels)):
            y, x = generator.integers(1, 6, 2) + 8 * (k - 1)
            if (i + k) % 3:
                truth[y : y + 5, x : x + 5] = k
                if i % 5 != 4:
                    found[y + 1 : y + 6, x : x + 5] = k
            if i % 4 == 1:
                found[SIZE - 1, 4 * k : 4 * k + 3] = k
            size = 0.25 * float((found == k).sum())
            stated.append(Measurement(labels[k], "area", size, max(0, size - 2), size + 5, "mm2"))
            if labels[k] in counted:
                parts = count_components(found == k)
                stated.append(Measurement(labels[k], "count", parts, max(0, parts - 1), parts, "1"))
        cases.append((LabelMap(found, tuple(stated)), truth))
    return Sample(manifest, cases)


def detection(labels: list[str], n: int = 30, seed: int = 0) -> Sample:
    """Zero to two objects an image, most of them found, with false candidates of lower scores."""
    generator = np.random.default_rng(seed)
    manifest = manifest_of("detection", labels, operating_points=points_of(labels))
    cases: list[tuple[Answer | None, TruthValue]] = []
    for _ in range(n):
        true, found = [], []
        for _ in range(int(generator.integers(0, 3))):
            k = int(generator.integers(len(labels)))
            y, x = generator.uniform(0, 12, 2)
            true.append((k, 1.0, y, x, y + 8, x + 8))
            if generator.random() < 0.8:
                y, x = (y, x) + generator.uniform(-1, 1, 2)
                found.append((k, generator.uniform(0.3, 1), y, x, y + 8, x + 8))
        for _ in range(int(generator.integers(0, 3))):
            k = int(generator.integers(len(labels)))
            y, x = generator.uniform(0, 18, 2)
            found.append((k, generator.uniform(0.05, 0.7), y, x, y + 4, x + 4))
        cases.append((objects_of(boxes_of(found), labels), boxes_of(true)))
    return Sample(manifest, cases)


def ordinal(labels: list[str], positive: str | None = None, n: int = 60, seed: int = 0) -> Sample:
    """Grades by noisy conditional log odds, answered as a package does."""
    generator = np.random.default_rng(seed)
    k = len(labels)
    points = points_of([positive], 0.4) if positive else {}
    sets = Calibration(conformal_coverage=0.9, conformal_quantiles=dict.fromkeys(labels, 0.7))
    manifest = manifest_of("ordinal", labels, positive=positive, operating_points=points, calibration=sets)
    prepared = prepare(image(), manifest.preprocess)
    cases: list[tuple[Answer | None, TruthValue]] = []
    for i in range(n):
        truth = i % k
        z = (2.0 * (truth - np.arange(k - 1)) - 1 + generator.normal(size=k - 1) * 2).astype(np.float32)
        cases.append((RUNTIME["ordinal"].answer({"logits": z}, prepared, manifest), truth))
    return Sample(manifest, cases)


def regression(n: int = 60, seed: int = 0, **quantity: Any) -> Sample:
    """Ages, found with an error that the network knows the size of, with the intervals of a calibrated package."""
    generator = np.random.default_rng(seed)
    manifest = manifest_of(
        "regression",
        ["age"],
        quantity=Quantity(unit="a", **quantity),
        decoding={"centre": 50.0, "scale": 20.0},
        calibration=Calibration(value_residuals={"age": Spread(low=-1.5, high=1.6, coverage=0.88, cases=40)}),
    )
    prepared = prepare(image(), manifest.preprocess)
    cases: list[tuple[Answer | None, TruthValue]] = []
    for _ in range(n):
        true, spread = generator.normal(50, 20), generator.uniform(2, 12)
        z = np.array([(true + generator.normal() * spread - 50) / 20, np.log(spread / 20)], np.float32)
        cases.append((RUNTIME["regression"].answer({"logits": z}, prepared, manifest), true))
    return Sample(manifest, cases)


SAMPLES: dict[str, list[Callable[[], Sample]]] = {
    "classification": [
        lambda: classification(["normal", "pneumonia"], "pneumonia"),
        lambda: classification(["macro", "rate", "mean"]),
    ],
    "ordinal": [
        lambda: ordinal(["none", "mild", "severe"]),
        lambda: ordinal(["none", "label", "set", "called"], "set"),
    ],
    "multilabel": [
        lambda: multilabel(["macro", "effusion", "mass"], n=120),
        lambda: multilabel(["effusion"], n=120),
    ],
    "regression": [regression, lambda: regression(low=0.0, high=100.0)],
    "segmentation": [
        lambda: segmentation(["background", "tumour", "error"], ["tumour"]),
        lambda: segmentation(["background", "organ"], []),
    ],
    "detection": [lambda: detection(["nodule", "mass"]), lambda: detection(["nodule"])],
}
"""By task, one or more; some names are those of metrics and columns, with which none may collide."""

__all__ = ["SAMPLES", "Calibration", "Sample", "manifest_of"]
