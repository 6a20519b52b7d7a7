"""One class of several: temperature, prediction sets and threshold from the tuning cases; areas, rates, errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate import temperature
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.figures import (
    ConfusionFigure,
    Figure,
    ReliabilityFigure,
    RocFigure,
    ScoredTruth,
    ScoresFigure,
)
from overread.evaluate.meaning import score_bins
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.metrics import METRICS as ALL
from overread.evaluate.precision import average_precision
from overread.evaluate.rates import CASES, rates
from overread.evaluate.rows import (
    Row,
    notes_of,
    numbers,
    of_kind,
    ranks,
    score_quantiles,
    sureness,
    worst_sureness,
)
from overread.evaluate.rules import case_rule
from overread.evaluate.scaling import curve_of, vector_of
from overread.evaluate.selective import KEYS, REFERRED, refer_columns, selective_figure, selective_measures
from overread.evaluate.sets import COVERAGE, class_quantiles, set_measures
from overread.evaluate.several import points_of, several_rule
from overread.evaluate.tasks.protocol import Telling, clusters_of
from overread.evaluate.thresholds import point_of
from overread.imaging.image import Image
from overread.runtime.answer import Answer, Classes
from overread.runtime.manifest import Calibration, Manifest, OperatingPoint
from overread.runtime.manifest_calibration import Curve
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.tasks.classification import calibrated
from overread.stats.calibration import brier, ece
from overread.stats.intervals import rate_ci
from overread.stats.roc import auc, auc_macro

BINARY = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
BY_CLASS = ("sensitivity", "specificity", "ppv")
ANSWERED_ONLY = frozenset({"ppv", "npv", "brier", "ece", "set_coverage", "set_size", *KEYS, *REFERRED})
ERRORS, RIGHT = 6, 3

METRICS: tuple[Metric, ...] = tuple(
    ALL[key]
    for key in (
        *("auroc", "auprc", "auroc_macro", "balanced_accuracy", "mcc", *BINARY, "brier", "ece"),
        *("set_coverage", "set_size", *KEYS, *REFERRED),
    )
)
Evidence = tuple[NDArray[np.float64], int]
"""Logits ``(labels,)`` and index of the true class."""


def offered(
    labels: Sequence[str], positive: str | None, counted: Sequence[str], /
) -> list[tuple[Metric, str | None]]:
    """Of two classes everything is about the positive one; of more each against the rest."""
    pairs: list[tuple[str, str | None]] = []
    if _positive(labels, positive) is not None:
        pairs += [
            ("auroc", None),
            ("auprc", None),
            ("balanced_accuracy", None),
            ("mcc", None),
            *((key, None) for key in BINARY),
        ]
    else:
        pairs += [("auroc_macro", None), *(("auroc", label) for label in labels)]
        pairs += [("balanced_accuracy", None), ("accuracy", None), ("mcc", None)]
        pairs += [(key, label) for label in labels for key in BY_CLASS]
    pairs += [("brier", None), ("ece", None), ("set_size", None)]
    pairs += [("set_coverage", label) for label in labels] + [(key, None) for key in KEYS]
    return [(ALL[key], label) for key, label in pairs]


def rule(text: str, labels: Sequence[str], positive: str | None, /) -> str:
    """``youden`` unless stated for two classes; of more the likeliest is decided unless stated, see `several_rule`."""
    return several_rule(text, labels) if _positive(labels, positive) is None else case_rule(text)


def evidence(raw: Outputs, truth: TruthValue, prepared: Prepared, manifest: Manifest, /) -> Evidence:
    """The network's logits beside the true class."""
    return raw["logits"].astype(np.float64), int(truth)  # type: ignore[arg-type]


def calibrate(
    evidence: Sequence[Evidence], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
) -> Calibrated:
    """Temperature (Guo 2017, see `overread.evaluate.temperature`) or what is better, prediction sets, what scores
    meant, threshold."""
    labels, k = manifest.labels, _positive(manifest.labels, manifest.positive)
    z, y = np.stack([logits for logits, _ in evidence]), np.array([truth for _, truth in evidence])
    fitted = temperature.fit(z, y, cluster=clusters)
    vector, scaling = vector_of(z, y, cluster=clusters)
    curves: dict[str, Curve] = {}
    if k is not None and vector:
        # From the simplest on: a curve is asked for where Platt's line, a scale for each of two classes, is worth it.
        curve, why = curve_of(z[:, k] - z[:, 1 - k], y == k, cluster=clusters)
        if curve is not None:
            curves, vector, scaling = {labels[k]: curve}, [], why
    own = 1.0 if vector or curves else fitted.value
    p = calibrated(z, Calibration(temperature=own, vector=vector, curves=curves), labels)[1]
    quantiles, everywhere = class_quantiles(p, y, labels, cluster=clusters)
    points: dict[str, OperatingPoint] = {}
    reasons: dict[str, str] = {}
    meant = {label: score_bins(p[:, j], y == j, cluster=clusters) for j, label in enumerate(labels)}
    if k is not None:
        points[labels[k]], reasons[labels[k]] = point_of(p[:, k], y == k, rule, cluster=clusters)
    else:
        points, reasons = points_of(p, y, labels, rule, cluster=clusters)
    return Calibrated(
        Calibration(
            temperature=own,
            vector=vector,
            curves=curves,
            bins={label: parts for label, (parts, _) in meant.items()},
            reasons={label: why for label, (_, why) in meant.items() if why},
            conformal_coverage=COVERAGE,
            conformal_quantiles=quantiles,
            cases=len(y),
        ),
        points,
        {"score_quantiles": score_quantiles(p, labels), "temperature": fitted.as_dict(), "scaling": scaling}
        | notes_of(everywhere, reasons),
    )


def row(answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
    """``label`` is the true class, ``decided`` the package's, ``score_`` and ``log_odds_<label>`` say how sure it is of
    each, ``set`` is the prediction set as a JSON list."""
    columns: Row = {"label": manifest.labels[int(truth)]}  # type: ignore[arg-type]
    if answer is None:
        return columns
    given = of_kind(answer, Classes)
    columns["decided"] = given.decided
    columns |= sureness(manifest.labels, given.scores, given.log_odds)
    if manifest.uncertainty.refer:
        columns |= refer_columns(manifest.labels, given.refer)
    if given.set_coverage is not None:
        columns["set"] = json.dumps(list(given.label_set), ensure_ascii=False)
    return columns


def unanswered(row: Row, manifest: Manifest, /) -> Row:
    """A refused case was decided as none of the classes, and comes last in every ranking."""
    return {"decided": None} | worst_sureness({label: label == row["label"] for label in manifest.labels})


def shows(row: Row, manifest: Manifest, /) -> list[str]:
    """The true class."""
    return [row["label"]]


def measures(rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /) -> list[Measure]:
    """Areas from the scores; whatever is about decisions from the class that the package decided."""
    # It loads scipy.stats, a second that reading a protocol should not cost.
    from overread.stats.diagnostic import balanced_accuracy, matthews_correlation

    labels, k = manifest.labels, _positive(manifest.labels, manifest.positive)
    y, decided, p = _arrays(rows, labels)
    order = ranks(rows, labels, p)
    area = "area under the ROC curve"
    # A refused case was decided as no class: any wrong one stands for that.
    wrong = np.where(decided < 0, (y + 1) % len(labels), decided)
    found = [
        Measure(
            ALL["balanced_accuracy"],
            None,
            "mean of class sensitivities",
            partial(balanced_accuracy, y, wrong, cluster=clusters),
        ),
        Measure(ALL["mcc"], None, "correlation", partial(matthews_correlation, y, wrong, cluster=clusters)),
    ]
    scored: tuple[NDArray[Any], NDArray[Any]] = (y, p)
    if k is not None:
        scored = ((y == k).astype(int), p[:, k])
        compute = partial(auc, scored[0], order[:, k], cluster=clusters)
        found.insert(0, Measure(ALL["auroc"], None, area, compute))
        precise = partial(average_precision, y == k, order[:, k], cluster=clusters)
        found.insert(1, Measure(ALL["auprc"], None, "area under the precision-recall curve", precise))
        found += rates(_said(decided, y, k), y == k, clusters, label=None, keys=BINARY)
    else:
        compute = partial(auc_macro, y, order, cluster=clusters)
        areas = [Measure(ALL["auroc_macro"], None, "mean one-against-rest area", compute)]
        for j, label in enumerate(labels):
            compute = partial(auc, (y == j).astype(int), order[:, j], cluster=clusters)
            areas.append(Measure(ALL["auroc"], label, area, compute))
        found = areas + found
        found.append(Measure(ALL["accuracy"], None, CASES, partial(rate_ci, y == decided, cluster=clusters)))
        for j, label in enumerate(labels):
            found += rates(_said(decided, y, j), y == j, clusters, label=label, keys=BY_CLASS)
    found.append(
        Measure(ALL["brier"], None, "squared probability", partial(brier, *scored, cluster=clusters))
    )
    found.append(Measure(ALL["ece"], None, "probability", partial(ece, *scored, cluster=clusters)))
    sure = p[np.arange(len(y)), decided]
    found += selective_measures(rows, sure, decided != y, clusters)
    return found + set_measures(rows, labels, y, clusters)


def figures(rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /) -> list[Figure]:
    """ROC, reliability, decisions, and of two classes the distribution of the score."""
    labels, k = manifest.labels, _positive(manifest.labels, manifest.positive)
    y, decided, p = _arrays(rows, labels)
    clusters = clusters_of([r["patient"] for r in rows])
    areas = {m.label: m for m in measured if m.metric.key == "auroc"}
    curves = []
    for j, label in enumerate(labels) if k is None else [(k, labels[k])]:
        truth = y == j
        if truth.any() and not truth.all():
            point = manifest.operating_points.get(label)
            area = areas.get(label if k is None else None)
            threshold = point.threshold if point else None
            curves.append(ScoredTruth(label, truth, p[:, j], area, threshold, clusters))
    confusion = ConfusionFigure(y, decided, labels)
    chosen = p[np.arange(len(y)), decided]
    selective = selective_figure("decided class", rows, chosen, decided != y, measured)
    if k is None:
        sure = p[np.arange(len(y)), decided]
        reliability = ReliabilityFigure(y == decided, sure, "probability of the decided class", clusters)
        return [*([RocFigure(curves)] if curves else []), reliability, confusion, selective]
    point = manifest.operating_points.get(labels[k])
    subject = f"probability of {labels[k]}"
    return [
        *([RocFigure(curves)] if curves else []),
        ReliabilityFigure(y == k, p[:, k], subject, clusters),
        confusion,
        ScoresFigure(y, p[:, k], labels, subject, point.threshold if point else None),
        selective,
    ]


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    """The errors of which the package was surest, and some right answers."""
    wrong = [r for r in rows if r["decided"] != r["label"]]
    right = [r for r in rows if r["decided"] == r["label"]]
    wrong.sort(key=lambda r: -float(r[f"score_{r['decided']}"]))
    return [
        Telling(
            title,
            r["case"],
            f"{r['case']}: {r['decided']} ({r['score_' + str(r['decided'])]:.2f}), true {r['label']}",
        )
        for title, part in (("Most confident errors", wrong[:ERRORS]), ("Correct", right[:RIGHT]))
        for r in part
    ]


def _positive(labels: Sequence[str], positive: str | None) -> int | None:
    """Index of the positive one of two classes, None where there are more or none is positive."""
    return list(labels).index(positive) if positive is not None and len(labels) == 2 else None


def _said(decided: NDArray[np.int64], y: NDArray[np.int64], k: int) -> NDArray[np.bool_]:
    """Whether each case was called ``k``; where nothing was decided, the wrong of both."""
    called: NDArray[np.bool_] = np.where(decided < 0, y != k, decided == k)
    return called


def _arrays(
    rows: Sequence[Row], labels: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Indices of the true and the decided class ``(n,)``, -1 for none, and the scores ``(n, labels)``."""
    index: dict[str | None, int] = {label: k for k, label in enumerate(labels)} | {None: -1}
    y, decided = (np.array([index[r[c]] for r in rows], np.int64) for c in ("label", "decided"))
    return y, decided, numbers(rows, [f"score_{label}" for label in labels])
