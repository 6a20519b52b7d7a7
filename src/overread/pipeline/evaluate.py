"""Metrics of the sealed test patients, every one with its interval, all answered by runtime.predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.cohort.load import load_case
from overread.cohort.masks import read_mask
from overread.imaging.image import Image
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Outcome, Prediction
from overread.stats.calibration import brier, ece
from overread.stats.diagnostic import balanced_accuracy, diagnostic_accuracy
from overread.stats.interval import Interval
from overread.stats.intervals import bootstrap_ci, mean_ci, proportion_ci
from overread.stats.roc import auc, auc_macro
from overread.stats.segmentation import dice, hausdorff95, lesion_detection, volume_error

Metrics = dict[str, dict[str, Any]]


@dataclass
class Evaluation:
    """What the test gave: metrics, one row per case, and arrays for the figures."""

    metrics: Metrics = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    y: NDArray[np.integer] | None = None
    probability: NDArray[np.floating] | None = None
    per_case: list[dict[str, Any]] = field(default_factory=list)
    primary: str = ""


Seen = Callable[[Case, Image, Prediction, NDArray[np.integer] | None], None]


def evaluate(package: Package, cases: Sequence[Case], advance: Callable[[], None], seen: Seen) -> Evaluation:
    """Answer every test case with the package and compute the task's metrics.

    ``seen`` is called with each case, its image, the prediction and (segmentation) the reference mask.
    Cases outside the package's limits are counted in ``answered`` and take no part in the other metrics.
    """
    collect = _classification if package.manifest.task == "classification" else _segmentation
    evaluation, answered = collect(package, cases, advance, seen)
    evaluation.metrics["answered"] = metric(proportion_ci(answered, len(cases)), "proportion of cases")
    return evaluation


def metric(interval: Interval, unit: str) -> dict[str, Any]:
    """An interval as it stands in report.json."""
    return interval.as_dict() | {"unit": unit}


def _classification(
    package: Package, cases: Sequence[Case], advance: Callable[[], None], seen: Seen
) -> tuple[Evaluation, int]:
    labels, positive = package.manifest.labels, package.manifest.positive
    out = Evaluation()
    kept: list[Case] = []
    scores = []
    for case in cases:
        image = load_case(case)
        prediction = predict(package, image)
        seen(case, image, prediction, None)
        advance()
        row = {"case": case.case, "patient": case.patient, "outcome": str(prediction.outcome), "label": case.label}
        if prediction.outcome is Outcome.OK:
            kept.append(case)
            scores.append([prediction.scores[label] for label in labels])
            row |= {"decided": prediction.label, **{f"score_{k}": round(v, 6) for k, v in prediction.scores.items()}}
        out.rows.append(row)
    if not kept:
        return out, 0
    p = np.array(scores)
    y = np.array([labels.index(str(c.label)) for c in kept])
    decided = np.array([labels.index(str(r["decided"])) for r in out.rows if "decided" in r])
    out.y, out.probability = y, p
    out.primary = "auroc" if positive else "auroc_macro"
    out.metrics |= classification_metrics(y, p, decided, labels, positive, _clusters(kept))
    return out, len(kept)


def classification_metrics(
    y: NDArray[np.integer],
    p: NDArray[np.floating],
    decided: NDArray[np.integer],
    labels: Sequence[str],
    positive: str | None,
    cluster: NDArray[Any] | None,
) -> Metrics:
    """Metrics of class indices ``y (n,)``, probabilities ``p (n, labels)`` and decisions ``(n,)``.

    ``cluster`` names the patient of each case where patients have several; rates and areas then rest on a
    bootstrap over patients.
    """
    n = len(y)
    out: Metrics = {"balanced_accuracy": metric(balanced_accuracy(y, decided, cluster=cluster), "mean of class sensitivities")}
    if positive is not None and len(labels) == 2:
        k = list(labels).index(positive)
        truth, said, score = y == k, decided == k, p[:, k]
        out["auroc"] = metric(auc(truth.astype(int), score, cluster=cluster), "area under the ROC curve")
        table = diagnostic_accuracy(
            int((truth & said).sum()), int((~truth & said).sum()), int((truth & ~said).sum()), int((~truth & ~said).sum())
        )
        rates = {"sensitivity": table.sensitivity, "specificity": table.specificity, "accuracy": table.accuracy}
        for name, rate in (rates | {"ppv": table.ppv, "npv": table.npv}).items():
            if rate is not None:
                out[name] = metric(rate, "proportion of cases")
        y, p = truth.astype(int), score
    else:
        out["auroc_macro"] = metric(auc_macro(y, p, cluster=cluster), "mean one-against-rest area")
        for k, label in enumerate(labels):
            if 0 < (y == k).sum() < n:
                out[f"auroc_{label}"] = metric(auc((y == k).astype(int), p[:, k], cluster=cluster), "area under the ROC curve")
        out["accuracy"] = metric(proportion_ci(int((y == decided).sum()), n), "proportion of cases")
    out["brier"] = metric(brier(y, p, cluster=cluster), "squared probability")
    out["ece"] = metric(ece(y, p, cluster=cluster), "probability")
    return out


def _segmentation(
    package: Package, cases: Sequence[Case], advance: Callable[[], None], seen: Seen
) -> tuple[Evaluation, int]:
    manifest = package.manifest
    foreground = list(enumerate(manifest.labels))[1:]
    per_unit = 1000 if manifest.preprocess.dimensions == 3 else 1  # mm3 in a ml; areas stay in mm2
    out = Evaluation(primary="dice")
    kept: list[Case] = []
    lesions: dict[str, list[tuple[int, int, int]]] = {label: [] for label in manifest.counted_labels}
    for case in cases:
        image = load_case(case)
        truth = read_mask(case, image)
        prediction = predict(package, image)
        seen(case, image, prediction, truth)
        advance()
        row: dict[str, Any] = {"case": case.case, "patient": case.patient, "outcome": str(prediction.outcome)}
        if prediction.mask is not None:
            kept.append(case)
            for k, label in foreground:
                found, real = prediction.mask == k, truth == k
                row[f"dice_{label}"] = float(dice(found, real))
                row[f"hd95_{label}"] = float(hausdorff95(found, real, spacing=image.spacing))
                row[f"volume_error_{label}"] = volume_error(found, real, spacing=image.spacing).difference / per_unit
                if label in lesions:
                    hit = lesion_detection(found, real)
                    lesions[label].append((hit.tp, hit.fp, hit.fn))
                    row |= {f"lesions_true_{label}": hit.tp + hit.fn, f"lesions_missed_{label}": hit.fn}
                    row[f"lesions_false_{label}"] = hit.fp
            row["dice"] = float(np.mean([row[f"dice_{label}"] for _, label in foreground]))
        out.rows.append(row)
    if not kept:
        return out, 0
    answered = [r for r in out.rows if "dice" in r]
    out.per_case = [{"case": r["case"], **{label: r[f"dice_{label}"] for _, label in foreground}} for r in answered]
    cluster = _clusters(kept)
    units = {"dice": "overlap, 0 to 1", "hd95": "mm", "volume_error": "ml, found minus true"}
    if manifest.preprocess.dimensions == 2:
        units |= {"hd95": "mm (pixels where no spacing is known)", "volume_error": "mm2, found minus true"}
    for key in ["dice", *(f"{name}_{label}" for name in units for _, label in foreground)]:
        values = np.array([r[key] for r in answered])
        unit = next(u for name, u in units.items() if key.startswith(name))
        bounds = (0.0, 1.0) if key.startswith("dice") else None
        out.metrics[key] = metric(mean_ci(values, cluster=cluster, bounds=bounds), unit)
    for label, counts in lesions.items():
        out.metrics |= lesion_metrics(np.array(counts), label, cluster)
    return out, len(kept)


def lesion_metrics(counts: NDArray[np.integer], label: str, cluster: NDArray[Any] | None) -> Metrics:
    """Lesion-wise sensitivity, precision and F1 pooled over cases, and false lesions per case.

    ``counts``: ``(cases, 3)`` of found, false and missed lesions; intervals by bootstrap over cases.
    """
    index = np.arange(len(counts))

    def pooled(i: NDArray[np.integer]) -> NDArray[np.integer]:
        return counts[i].sum(0)

    def share(a: float, b: float) -> float:
        return float(a / b) if b else 1.0

    ratios: dict[str, tuple[Callable[[Any], float], str]] = {
        f"lesion_sensitivity_{label}": (lambda i: share(pooled(i)[0], pooled(i)[[0, 2]].sum()), "proportion of lesions"),
        f"lesion_precision_{label}": (lambda i: share(pooled(i)[0], pooled(i)[[0, 1]].sum()), "proportion of found lesions"),
        f"lesion_f1_{label}": (
            lambda i: share(2 * pooled(i)[0], 2 * pooled(i)[0] + pooled(i)[1] + pooled(i)[2]),
            "harmonic mean, 0 to 1",
        ),
        f"false_lesions_per_case_{label}": (lambda i: float(counts[i, 1].mean()), "lesions per case"),
    }
    return {name: metric(bootstrap_ci(f, index, cluster=cluster, resamples=1000), unit) for name, (f, unit) in ratios.items()}


def _clusters(cases: Sequence[Case]) -> NDArray[Any] | None:
    """Patient of each case, or None where every patient has one case."""
    patients = np.array([c.patient for c in cases])
    return patients if len(np.unique(patients)) < len(patients) else None


def subgroups(
    evaluation: Evaluation, cases: Sequence[Case], attributes: Sequence[str], labels: Sequence[str], positive: str | None
) -> list[dict[str, Any]]:
    """The primary metric within each value of each attribute (numbers in three groups of equal size)."""
    by_case = {c.case: c for c in cases}
    kept = [by_case[r["case"]] for r in evaluation.rows if r["outcome"] == str(Outcome.OK)]
    out: list[dict[str, Any]] = []
    for attribute in attributes:
        groups = _groups([c.attributes.get(attribute, "") for c in kept])
        for name, members in groups.items():
            interval = _within(evaluation, members, labels, positive, _clusters([kept[i] for i in members]))
            if interval is not None:
                part = {"attribute": attribute, "group": name, "n": len(members), "metric": evaluation.primary}
                out.append(part | {k: interval.as_dict()[k] for k in ("estimate", "low", "high", "confidence", "method")})
    return out


def _within(
    evaluation: Evaluation,
    members: NDArray[np.integer],
    labels: Sequence[str],
    positive: str | None,
    cluster: NDArray[Any] | None,
) -> Interval | None:
    if evaluation.per_case:
        values = [np.mean([v for k, v in evaluation.per_case[i].items() if k != "case"]) for i in members]
        return mean_ci(np.array(values), cluster=cluster) if len(values) > 1 else None
    assert evaluation.y is not None and evaluation.probability is not None
    y, p = evaluation.y[members], evaluation.probability[members]
    if len(np.unique(y)) < len(labels):
        return None
    if positive is not None and len(labels) == 2:
        k = list(labels).index(positive)
        return auc((y == k).astype(int), p[:, k], cluster=cluster)
    return auc_macro(y, p, cluster=cluster)


def _groups(values: Sequence[str]) -> dict[str, NDArray[np.integer]]:
    """Members of each group; more than 6 different numbers become thirds."""
    known = np.array([v != "" for v in values])
    distinct = sorted({v for v in values if v != ""})
    try:
        numbers = np.array([float(v) if v else np.nan for v in values])
    except ValueError:
        numbers = None
    if numbers is None or len(distinct) <= 6:
        return {v: np.flatnonzero(np.array(values) == v) for v in distinct}
    edges = np.quantile(numbers[known], [0, 1 / 3, 2 / 3, 1])
    out = {}
    for i, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        inside = known & (numbers >= low) & ((numbers < high) | (i == 2))
        if inside.any():
            out[f"{low:g} to {high:g}" if i == 2 else f"{low:g} to below {high:g}"] = np.flatnonzero(inside)
    return out
