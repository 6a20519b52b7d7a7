"""Several findings side by side: a scale and a threshold for each from the cases that state it; areas and rates.

A case that says nothing about a finding takes part in none of that finding's numbers: not in its scale, its bins, its
threshold, nor in any metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.areas import mean_area
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.figures import Figure, ReliabilityFigure, RocFigure, ScoredTruth
from overread.evaluate.meaning import score_bins
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.metrics import METRICS as ALL
from overread.evaluate.precision import average_precision
from overread.evaluate.rates import rates
from overread.evaluate.rows import (
    Row,
    notes_of,
    numbers,
    of_kind,
    part_of,
    ranks,
    score_quantiles,
    sureness,
    worst_sureness,
)
from overread.evaluate.rules import case_rule
from overread.evaluate.scaling import curve_of
from overread.evaluate.selective import KEYS, REFERRED, selective_measures
from overread.evaluate.tasks.protocol import Telling, clusters_of
from overread.evaluate.thresholds import point_of, scale_of
from overread.imaging.image import Image
from overread.runtime.answer import Answer, Findings
from overread.runtime.manifest import Calibration, Manifest, OperatingPoint, Scale, ScoreBin
from overread.runtime.manifest_calibration import Curve
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.probability import curved
from overread.stats.calibration import brier, ece
from overread.stats.interval import Interval
from overread.stats.roc import auc

RATES = ("sensitivity", "specificity", "ppv", "npv")
BY_FINDING = ("auroc", "auprc", *RATES, "balanced_accuracy", "brier", "ece", *KEYS)
FREQUENT = 20
"""Positive test cases from which a finding counts in the mean over frequent ones."""
ANSWERED_ONLY = frozenset({"ppv", "npv", "brier", "ece", *KEYS, *REFERRED})
ERRORS = 3

METRICS: tuple[Metric, ...] = tuple(
    ALL[key] for key in ("auroc_macro", "auroc_macro_frequent", *BY_FINDING, *REFERRED)
)
Evidence = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Logits ``(findings,)``, and 1, 0 or NaN where nothing is stated."""


def offered(
    labels: Sequence[str], positive: str | None, counted: Sequence[str], /
) -> list[tuple[Metric, str | None]]:
    """The mean area, and everything of each finding."""
    return [
        (ALL["auroc_macro"], None),
        (ALL["auroc_macro_frequent"], None),
        *((ALL[key], label) for label in labels for key in BY_FINDING),
    ]


def rule(text: str, labels: Sequence[str], positive: str | None, /) -> str:
    """One rule for the threshold of every finding, ``youden`` unless stated."""
    return case_rule(text)


def evidence(raw: Outputs, truth: TruthValue, prepared: Prepared, manifest: Manifest, /) -> Evidence:
    """The network's logits beside what is stated."""
    return raw["logits"].astype(np.float64), np.asarray(truth, np.float64)


def calibrate(
    evidence: Sequence[Evidence], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
) -> Calibrated:
    """Of each finding: Platt's scale of the logit, the meaning of its scores, and the threshold."""
    z, truth = np.stack([e[0] for e in evidence]), np.stack([e[1] for e in evidence])
    scales: dict[str, Scale] = {}
    bins: dict[str, list[ScoreBin]] = {}
    points: dict[str, OperatingPoint] = {}
    about_scale, about_point, about_bins = {}, {}, {}
    curves: dict[str, Curve] = {}
    scaling: dict[str, str] = {}
    p = np.zeros_like(z)
    for k, label in enumerate(manifest.labels):
        known = np.isfinite(truth[:, k])
        there, cluster = truth[known, k] == 1, part_of(clusters, known)
        scales[label], about_scale[label] = scale_of(z[known, k], there, cluster=cluster)
        curve, scaling[label] = curve_of(z[known, k], there, cluster=cluster)
        if curve is not None:
            curves[label] = curve
            p[:, k] = expit([curved(v, curve) for v in z[:, k]])
        else:
            p[:, k] = expit(scales[label].slope * z[:, k] + scales[label].intercept)
        bins[label], why = score_bins(p[known, k], there, cluster=cluster)
        if why:
            about_bins[label] = why
        points[label], about_point[label] = point_of(p[known, k], there, rule, cluster=cluster)
    return Calibrated(
        Calibration(scales=scales, curves=curves, bins=bins, reasons=about_bins, cases=len(z)),
        points,
        {"score_quantiles": score_quantiles(p, manifest.labels), "scaling": scaling}
        | notes_of(about_scale, about_point),
    )


def row(answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
    """``truth_<finding>`` is 1, 0 or None (not stated), ``score_`` and ``log_odds_<finding>`` say how sure the package
    is, ``present_<finding>`` is 1 or 0 by its threshold; None without one."""
    stated = np.asarray(truth, np.float64)
    columns: Row = {
        f"truth_{label}": int(value) if np.isfinite(value) else None
        for label, value in zip(manifest.labels, stated, strict=True)
    }
    if answer is None:
        return columns
    given = of_kind(answer, Findings)
    columns |= sureness(manifest.labels, given.scores, given.log_odds)
    for label in manifest.uncertainty.refer:
        columns[f"refer_{label}"] = int(label in given.referred)
    for label in manifest.labels:
        columns[f"present_{label}"] = int(label in given.present) if label in given.thresholds else None
    return columns


def unanswered(row: Row, manifest: Manifest, /) -> Row:
    """A refused case: what is stated as present was missed, what is stated as absent was not cleared."""
    truth = {label: row[f"truth_{label}"] for label in manifest.labels}
    called = {f"present_{label}": None if t is None else 1 - t for label, t in truth.items()}
    return called | worst_sureness({label: t == 1 for label, t in truth.items()})


def shows(row: Row, manifest: Manifest, /) -> list[str]:
    """The findings that are stated as present."""
    return [label for label in manifest.labels if row[f"truth_{label}"] == 1]


def measures(rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /) -> list[Measure]:
    """Every finding over the cases that state it, and the mean of their areas."""
    labels = manifest.labels
    truth, score, present = _arrays(rows, labels)
    order = ranks(rows, labels, score)
    able = [len(np.unique(column[np.isfinite(column)])) == 2 for column in truth.T]
    lacking = [label for label, fine in zip(labels, able, strict=True) if not fine]
    unit = "mean area of the findings"
    if lacking:
        unit += f", {sum(able)} of {len(labels)}: no case, or every case, has {', '.join(lacking)}"
    found = [
        Measure(
            ALL["auroc_macro"],
            None,
            unit,
            partial(mean_area, truth[:, able], order[:, able], cluster=clusters),
        )
    ]
    # Of the truth alone, so that refusing cases changes nothing about which findings count.
    often = np.array([fine and (truth[:, k] == 1).sum() >= FREQUENT for k, fine in enumerate(able)])
    told = f"mean area of {int(often.sum())} of {len(labels)} findings with {FREQUENT} positive cases or more"
    frequent = partial(_frequent, truth[:, often], order[:, often], clusters)
    found.append(Measure(ALL["auroc_macro_frequent"], None, told, frequent))
    for k, label in enumerate(labels):
        known = np.isfinite(truth[:, k])
        there, p, cluster = truth[known, k] == 1, score[known, k], part_of(clusters, known)
        precise = partial(average_precision, there, order[known, k], cluster=cluster)
        found.append(Measure(ALL["auprc"], label, "area under the precision-recall curve", precise))
        found.append(
            Measure(
                ALL["auroc"],
                label,
                "area under the ROC curve",
                partial(_where_stated, auc, there, order[known, k], cluster),
            )
        )
        decided = known & np.isfinite(present[:, k])
        balanced = partial(
            _balanced, truth[decided, k] == 1, present[decided, k] == 1, part_of(clusters, decided)
        )
        found.append(Measure(ALL["balanced_accuracy"], label, "mean of class sensitivities", balanced))
        found += rates(
            present[decided, k] == 1,
            truth[decided, k] == 1,
            part_of(clusters, decided),
            label=label,
            keys=RATES,
        )
        said = np.where(present[decided, k] == 1, score[decided, k], 1 - score[decided, k])
        found += selective_measures(
            [r for r, d in zip(rows, decided, strict=True) if d],
            said,
            (present[decided, k] == 1) != (truth[decided, k] == 1),
            part_of(clusters, decided),
            label=label,
        )
        found.append(
            Measure(
                ALL["brier"], label, "squared probability", partial(_where_stated, brier, there, p, cluster)
            )
        )
        found.append(
            Measure(ALL["ece"], label, "probability", partial(_where_stated, ece, there, p, cluster))
        )
    return found


def figures(rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /) -> list[Figure]:
    """ROC curves, and for each finding what its scores meant."""
    labels = manifest.labels
    truth, score, _ = _arrays(rows, labels)
    clusters = clusters_of([r["patient"] for r in rows])
    areas = {m.label: m for m in measured if m.metric.key == "auroc"}
    curves: list[ScoredTruth] = []
    reliability: list[Figure] = []
    for k, label in enumerate(labels):
        known = np.isfinite(truth[:, k])
        there, p, cluster = truth[known, k] == 1, score[known, k], part_of(clusters, known)
        if there.any() and not there.all():
            point = manifest.operating_points.get(label)
            threshold = point.threshold if point else None
            curves.append(ScoredTruth(label, there, p, areas.get(label), threshold, cluster))
        if len(there):
            reliability.append(ReliabilityFigure(there, p, f"probability of {label}", cluster))
    return [*([RocFigure(curves)] if curves else []), *reliability]


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    """Of each finding the misses with the lowest score and the false alarms with the highest."""
    out = []
    for label in manifest.labels:
        wrong = [
            r
            for r in rows
            if None not in (r[f"truth_{label}"], r[f"present_{label}"])
            and r[f"truth_{label}"] != r[f"present_{label}"]
        ]
        # How far on the wrong side: a miss at 0.02 is as sure as a false alarm at 0.98.
        wrong.sort(key=lambda r: -abs(r[f"truth_{label}"] - r[f"score_{label}"]))
        for r in wrong[:ERRORS]:
            kind = "missed" if r[f"truth_{label}"] else "false alarm"
            text = f"{r['case']}: {label} {kind} ({r[f'score_{label}']:.2f})"
            out.append(Telling("Most confident errors", r["case"], text))
    return out


def _frequent(
    truth: NDArray[np.float64], order: NDArray[np.float64], cluster: NDArray[Any] | None
) -> Interval:
    if not truth.shape[1]:
        raise ValueError(f"no finding has {FREQUENT} positive cases and some without it")
    return mean_area(truth, order, cluster=cluster)


def _balanced(truth: NDArray[np.bool_], said: NDArray[np.bool_], cluster: NDArray[Any] | None) -> Interval:
    # It loads scipy.stats, a second that reading a protocol should not cost.
    from overread.stats.diagnostic import balanced_accuracy

    if truth.all() or not truth.any():
        raise ValueError("no case, or every case, has it")
    return balanced_accuracy(truth.astype(int), said.astype(int), cluster=cluster)


def _where_stated(
    measure: Any, there: NDArray[np.bool_], p: NDArray[np.float64], cluster: NDArray[Any] | None
) -> Interval:
    if not len(there):
        raise ValueError("no case states it")
    found: Interval = measure(there.astype(int), p, cluster=cluster)
    return found


def _arrays(
    rows: Sequence[Row], labels: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Truth, score and decision, ``(rows, findings)`` each; NaN where a row states none."""
    truth, score, present = (
        numbers(rows, [f"{kind}_{label}" for label in labels]) for kind in ("truth", "score", "present")
    )
    return truth, score, present
