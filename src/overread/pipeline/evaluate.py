"""Metrics of the sealed test patients, every one with its interval, all answered by runtime.predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
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
from overread.stats.diagnostic import balanced_accuracy
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, rate_ci, ratio_ci
from overread.stats.roc import auc, auc_macro
from overread.stats.segmentation import dice, hausdorff95, lesion_detection, volume_error


@dataclass
class Evaluation:
    """What the test gave: metrics, one row per case, and arrays for the figures."""

    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    y: NDArray[np.integer] | None = None
    probability: NDArray[np.floating] | None = None
    per_case: list[dict[str, Any]] = field(default_factory=list)
    primary: str = ""
    not_computed: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, compute: Callable[[], Interval], unit: str) -> None:
        """Add a metric; one that these cases cannot give (one class only, one case) is noted with the reason."""
        try:
            self.metrics[name] = metric(compute(), unit)
        except ValueError as error:
            self.not_computed[name] = str(error)


Seen = Callable[[Case, Image, Prediction, NDArray[np.integer] | None], None]


def evaluate(package: Package, cases: Sequence[Case], advance: Callable[[], None], seen: Seen) -> Evaluation:
    """Answer every test case with the package and compute the task's metrics.

    ``seen`` is called with each case, its image, the prediction and (segmentation) the reference mask.
    Cases outside the package's limits are counted in ``answered`` and take no part in the other metrics.
    """
    collect = _classification if package.manifest.task == "classification" else _segmentation
    evaluation = collect(package, cases, advance, seen)
    answers = np.array([r["outcome"] == str(Outcome.OK) for r in evaluation.rows])
    evaluation.add("answered", partial(rate_ci, answers, cluster=_clusters(cases)), "proportion of cases")
    return evaluation


def metric(interval: Interval, unit: str) -> dict[str, Any]:
    """An interval as it stands in report.json."""
    return interval.as_dict() | {"unit": unit}


def _classification(
    package: Package, cases: Sequence[Case], advance: Callable[[], None], seen: Seen
) -> Evaluation:
    labels, positive = package.manifest.labels, package.manifest.positive
    out = Evaluation()
    kept: list[Case] = []
    scores = []
    for case in cases:
        image = load_case(case)
        prediction = predict(package, image)
        seen(case, image, prediction, None)
        advance()
        row: dict[str, Any] = {
            "case": case.case,
            "patient": case.patient,
            "outcome": str(prediction.outcome),
            "label": case.label,
        }
        if prediction.outcome is Outcome.OK:
            kept.append(case)
            scores.append([prediction.scores[label] for label in labels])
            row |= {
                "decided": prediction.label,
                **{f"score_{k}": round(v, 6) for k, v in prediction.scores.items()},
            }
        out.rows.append(row)
    if not kept:
        return out
    p = np.array(scores)
    y = np.array([labels.index(str(c.label)) for c in kept])
    decided = np.array([labels.index(str(r["decided"])) for r in out.rows if "decided" in r])
    out.y, out.probability = y, p
    out.primary = "auroc" if positive is not None and len(labels) == 2 else "auroc_macro"
    classification_metrics(out, y, p, decided, labels, positive, _clusters(kept))
    return out


def classification_metrics(
    out: Evaluation,
    y: NDArray[np.integer],
    p: NDArray[np.floating],
    decided: NDArray[np.integer],
    labels: Sequence[str],
    positive: str | None,
    cluster: NDArray[Any] | None,
) -> None:
    """Add the metrics of class indices ``y (n,)``, probabilities ``p (n, labels)`` and decisions ``(n,)``.

    ``cluster`` names the patient of each case where patients have several; areas and means then rest on a
    bootstrap over patients.
    """
    area = "area under the ROC curve"
    out.add(
        "balanced_accuracy",
        lambda: balanced_accuracy(y, decided, cluster=cluster),
        "mean of class sensitivities",
    )
    scored: tuple[NDArray[Any], NDArray[Any]] = (y, p)
    if positive is not None and len(labels) == 2:
        k = list(labels).index(positive)
        truth, said = y == k, decided == k
        scored = (truth.astype(int), p[:, k])
        out.add("auroc", lambda: auc(*scored, cluster=cluster), area)
        _add_rates(out, truth, said, cluster)
    else:
        out.add("auroc_macro", lambda: auc_macro(y, p, cluster=cluster), "mean one-against-rest area")
        for k, label in enumerate(labels):
            out.add(f"auroc_{label}", partial(auc, (y == k).astype(int), p[:, k], cluster=cluster), area)
        out.add("accuracy", partial(rate_ci, y == decided, cluster=cluster), "proportion of cases")
    out.add("brier", lambda: brier(*scored, cluster=cluster), "squared probability")
    out.add("ece", lambda: ece(*scored, cluster=cluster), "probability")


def _add_rates(
    out: Evaluation, truth: NDArray[np.bool_], said: NDArray[np.bool_], cluster: NDArray[Any] | None
) -> None:
    unit = "proportion of cases"
    parts = {
        "sensitivity": (said, truth),
        "specificity": (~said, ~truth),
        "ppv": (truth, said),
        "npv": (~truth, ~said),
        "accuracy": (truth == said, np.ones_like(truth)),
    }
    for name, (right, among) in parts.items():
        groups = None if cluster is None else cluster[among]
        out.add(name, partial(rate_ci, right[among], cluster=groups), unit)


def _segmentation(
    package: Package, cases: Sequence[Case], advance: Callable[[], None], seen: Seen
) -> Evaluation:
    manifest = package.manifest
    foreground = list(enumerate(manifest.labels))[1:]
    in_mm = True
    per_unit = 1000 if manifest.preprocess.dimensions == 3 else 1  # mm3 in a ml; areas stay in mm2
    out = Evaluation(primary="dice")
    kept: list[Case] = []
    lesions: dict[str, list[tuple[int, int, int]]] = {label: [] for label in manifest.counted_labels}
    for case in cases:
        image = load_case(case)
        in_mm = in_mm and bool(image.source.get("spacing_known", True))
        truth = read_mask(case, image, labels=len(manifest.labels))
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
                row[f"volume_error_{label}"] = (
                    volume_error(found, real, spacing=image.spacing).difference / per_unit
                )
                if label in lesions:
                    hit = lesion_detection(found, real)
                    lesions[label].append((hit.tp, hit.fp, hit.fn))
                    row |= {f"lesions_true_{label}": hit.tp + hit.fn, f"lesions_missed_{label}": hit.fn}
                    row[f"lesions_false_{label}"] = hit.fp
            row["dice"] = float(np.mean([row[f"dice_{label}"] for _, label in foreground]))
        out.rows.append(row)
    if not kept:
        return out
    answered = [r for r in out.rows if "dice" in r]
    out.per_case = [
        {"case": r["case"], **{label: r[f"dice_{label}"] for _, label in foreground}} for r in answered
    ]
    cluster = _clusters(kept)
    units = {"dice": "overlap, 0 to 1", "hd95": "mm", "volume_error": "ml, found minus true"}
    if manifest.preprocess.dimensions == 2:
        length, area = ("mm", "mm2") if in_mm else ("pixels", "pixels")
        units |= {"hd95": length, "volume_error": f"{area}, found minus true"}
    for key in ["dice", *(f"{name}_{label}" for name in units for _, label in foreground)]:
        values = np.array([r[key] for r in answered])
        unit = next(u for name, u in units.items() if key.startswith(name))
        bounds = (0.0, 1.0) if key.startswith("dice") else None
        out.add(key, partial(mean_ci, values, cluster=cluster, bounds=bounds), unit)
    for label, counts in lesions.items():
        lesion_metrics(out, np.array(counts), label, cluster)
    return out


def lesion_metrics(
    out: Evaluation, counts: NDArray[np.integer], label: str, cluster: NDArray[Any] | None
) -> None:
    """Add lesion-wise sensitivity, precision and F1 pooled over cases, and false lesions per case.

    ``counts``: ``(cases, 3)`` of found, false and missed lesions; intervals by bootstrap over cases.
    """
    tp, fp, fn = counts.T
    shares = {
        f"lesion_sensitivity_{label}": (tp, tp + fn, "proportion of lesions"),
        f"lesion_precision_{label}": (tp, tp + fp, "proportion of found lesions"),
        f"lesion_f1_{label}": (2 * tp, 2 * tp + fp + fn, "harmonic mean, 0 to 1"),
    }
    for name, (part, whole, unit) in shares.items():
        out.add(name, partial(ratio_ci, part, whole, cluster=cluster), unit)
    out.add(
        f"false_lesions_per_case_{label}",
        partial(mean_ci, fp.astype(float), cluster=cluster),
        "lesions per case",
    )


def _clusters(cases: Sequence[Case]) -> NDArray[Any] | None:
    """Patient of each case, or None where every patient has one case."""
    patients = np.array([c.patient for c in cases])
    return patients if len(np.unique(patients)) < len(patients) else None


def subgroups(
    evaluation: Evaluation,
    cases: Sequence[Case],
    attributes: Sequence[str],
    labels: Sequence[str],
    positive: str | None,
) -> list[dict[str, Any]]:
    """The primary metric within each value of each attribute (numbers in three groups of equal size)."""
    by_case = {c.case: c for c in cases}
    kept = [by_case[r["case"]] for r in evaluation.rows if r["outcome"] == str(Outcome.OK)]
    out: list[dict[str, Any]] = []
    for attribute in attributes:
        groups = _groups([c.attributes.get(attribute, "") for c in kept])
        for name, members in groups.items():
            try:
                interval = _within(
                    evaluation, members, labels, positive, _clusters([kept[i] for i in members])
                )
            except ValueError as error:  # too few cases, or one class only
                evaluation.not_computed[f"{evaluation.primary} of {attribute} {name}"] = str(error)
            else:
                part = {
                    "attribute": attribute,
                    "group": name,
                    "n": len(members),
                    "metric": evaluation.primary,
                }
                out.append(
                    part
                    | {k: interval.as_dict()[k] for k in ("estimate", "low", "high", "confidence", "method")}
                )
    return out


def _within(
    evaluation: Evaluation,
    members: NDArray[np.integer],
    labels: Sequence[str],
    positive: str | None,
    cluster: NDArray[Any] | None,
) -> Interval:
    if evaluation.per_case:
        values = [np.mean([v for k, v in evaluation.per_case[i].items() if k != "case"]) for i in members]
        if len(values) < 2:
            raise ValueError("one case only")
        return mean_ci(np.array(values), cluster=cluster, bounds=(0.0, 1.0))
    assert evaluation.y is not None and evaluation.probability is not None
    y, p = evaluation.y[members], evaluation.probability[members]
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
    out: dict[str, NDArray[np.integer]] = {}
    for i, (low, high) in enumerate(pairwise(edges)):
        inside = known & (numbers >= low) & ((numbers < high) | (i == 2))
        if inside.any():
            out[f"{low:.3g} to {high:.3g}" if i == 2 else f"{low:.3g} to below {high:.3g}"] = np.flatnonzero(
                inside
            )
    return out
