"""Ordered grades: agreement that counts how far off a grade is, areas of "this grade or higher", an operating point.

The calibration is that of classes, on the grades' log probabilities. Where the protocol names a ``positive`` grade, the
threshold is on the probability of that grade or a higher one ("grade 2 or higher is referable").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.figures import (
    ConfusionFigure,
    Figure,
    ReliabilityFigure,
    RocFigure,
    ScoredTruth,
    ScoresFigure,
)
from overread.evaluate.metric import Measure, Measured, Metric
from overread.evaluate.metrics import METRICS as ALL
from overread.evaluate.rates import CASES, rates
from overread.evaluate.rows import WORST_ODDS, Row, numbers, of_kind
from overread.evaluate.rules import case_rule, no_rule
from overread.evaluate.selective import KEYS, REFERRED, selective_figure, selective_measures
from overread.evaluate.sets import set_measures
from overread.evaluate.tasks import classification
from overread.evaluate.tasks.classification import Evidence
from overread.evaluate.tasks.protocol import Telling, clusters_of
from overread.evaluate.thresholds import point_of
from overread.imaging.image import Image
from overread.runtime.answer import Answer, Classes
from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.tasks.classification import calibrated
from overread.runtime.tasks.ordinal import at_least, log_probabilities
from overread.stats.calibration import brier, ece
from overread.stats.intervals import rate_ci
from overread.stats.roc import auc

CALLED = ("sensitivity", "specificity", "ppv", "npv")
ANSWERED_ONLY = frozenset({"ppv", "npv", "brier", "ece", "set_coverage", "set_size", *KEYS, *REFERRED})
ERRORS, RIGHT = 6, 3

METRICS: tuple[Metric, ...] = tuple(
    ALL[key]
    for key in (
        *("quadratic_kappa", "grade_error", "accuracy", "balanced_accuracy", "concordance", "auroc_at_least"),
        *(*CALLED, "brier", "ece", "set_coverage", "set_size", *KEYS, *REFERRED),
    )
)


def offered(
    labels: Sequence[str], positive: str | None, counted: Sequence[str], /
) -> list[tuple[Metric, str | None]]:
    """Agreement first; the area of each grade or higher; what the threshold gives where a grade is positive."""
    pairs: list[tuple[str, str | None]] = [
        ("quadratic_kappa", None),
        ("grade_error", None),
        ("accuracy", None),
        ("balanced_accuracy", None),
        ("concordance", None),
        *(("auroc_at_least", label) for label in labels[1:]),
    ]
    if positive is not None:
        pairs += [(key, positive) for key in CALLED]
    pairs += [(key, label) for label in _probable(labels, positive) for key in ("brier", "ece")]
    pairs += [
        ("set_size", None),
        *(("set_coverage", label) for label in labels),
        *((key, None) for key in KEYS),
    ]
    return [(ALL[key], label) for key, label in pairs]


def rule(text: str, labels: Sequence[str], positive: str | None, /) -> str:
    """``youden`` unless stated, on the probability of the positive grade or a higher one; none without such a grade."""
    if positive is None:
        return no_rule(
            text, "name the lowest grade that counts as positive (positive: ...) for a threshold on it"
        )
    return case_rule(text)


def evidence(raw: Outputs, truth: TruthValue, prepared: Prepared, manifest: Manifest, /) -> Evidence:
    """The grades' log probabilities beside the true grade."""
    return log_probabilities(raw["logits"]), int(truth)  # type: ignore[arg-type]


def calibrate(
    evidence: Sequence[Evidence], manifest: Manifest, rule: str, clusters: NDArray[Any] | None, /
) -> Calibrated:
    """As of classes, on the grades' log probabilities: a power of the probabilities, which keeps their order; and the
    threshold on the probability of the positive grade or a higher one."""
    plain = manifest.model_copy(update={"positive": None})
    found = classification.calibrate(evidence, plain, "", clusters)
    if manifest.positive is None:
        return found
    k = list(manifest.labels).index(manifest.positive)
    z, y = np.stack([logits for logits, _ in evidence]), np.array([truth for _, truth in evidence])
    reached = at_least(calibrated(z, found.calibration)[1])
    point, why = point_of(reached[:, k], y >= k, rule, cluster=clusters)
    notes = dict(found.reference.get("notes") or {})
    if why:
        notes[manifest.positive] = [*notes.get(manifest.positive, []), why]
    reference = {k: v for k, v in found.reference.items() if k != "notes"} | (
        {"notes": notes} if notes else {}
    )
    return replace(found, operating_points={manifest.positive: point}, reference=reference)


def row(answer: Answer | None, truth: TruthValue, image: Image, manifest: Manifest, /) -> Row:
    """The columns of a classification, ``at_least_`` and ``odds_at_least_<grade>`` for all but the lowest grade, and
    ``called``: 1 where the positive grade or a higher one is called, None without a threshold."""
    columns = classification.row(answer, truth, image, manifest)
    if answer is None:
        return columns
    given = of_kind(answer, Classes)
    for label in manifest.labels[1:]:
        columns[f"at_least_{label}"] = float(given.at_least[label])
        columns[f"odds_at_least_{label}"] = float(given.at_least_odds[label])
    columns["called"] = None if given.called is None else int(given.called)
    return columns


def unanswered(row: Row, manifest: Manifest, /) -> Row:
    """A refused case: decided as the grade that is farthest from the true one, and last in every ranking."""
    labels = list(manifest.labels)
    true = labels.index(row["label"])
    far = 0 if true > (len(labels) - 1) / 2 else len(labels) - 1
    columns: Row = {"decided": labels[far], "refused": 1}
    for k, label in enumerate(labels[1:], 1):
        columns[f"at_least_{label}"] = float(true < k)
        columns[f"odds_at_least_{label}"] = WORST_ODDS if true < k else -WORST_ODDS
    if manifest.positive in manifest.operating_points:
        columns["called"] = int(true < labels.index(manifest.positive or ""))
    return classification.unanswered(row, manifest) | columns


def shows(row: Row, manifest: Manifest, /) -> list[str]:
    """The true grade."""
    return [row["label"]]


def measures(rows: Sequence[Row], manifest: Manifest, clusters: NDArray[Any] | None, /) -> list[Measure]:
    """Agreement of the decided grades, areas of the probabilities, and the calls of the positive grade."""
    # They load scipy.stats, a second that reading a protocol should not cost.
    from overread.stats.diagnostic import balanced_accuracy
    from overread.stats.ordinal import ordinal_auc, ordinal_mae, quadratic_kappa

    labels = list(manifest.labels)
    y, decided = _grades(rows, labels)
    p, order = _reached(rows, labels)
    k = len(labels)
    # A refused case has no right class: of neighbours of the true grade, one that is wrong.
    wrong = np.array([bool(r.get("refused")) for r in rows])
    other = np.where(wrong & (decided == y), (y + 1) % k, decided)
    found = [
        Measure(
            ALL["quadratic_kappa"],
            None,
            "agreement beyond chance",
            partial(quadratic_kappa, y, decided, classes=k, cluster=clusters),
        ),
        Measure(
            ALL["grade_error"], None, "grades", partial(ordinal_mae, y, decided, classes=k, cluster=clusters)
        ),
        Measure(ALL["accuracy"], None, CASES, partial(rate_ci, y == other, cluster=clusters)),
        Measure(
            ALL["balanced_accuracy"],
            None,
            "mean of class sensitivities",
            partial(balanced_accuracy, y, other, cluster=clusters),
        ),
        Measure(
            ALL["concordance"],
            None,
            "proportion of pairs of different grade",
            # The expected grade orders the cases over all thresholds at once.
            partial(ordinal_auc, y, p.sum(axis=1), cluster=clusters),
        ),
    ]
    for j, label in enumerate(labels[1:]):
        compute = partial(auc, (y > j).astype(int), order[:, j], cluster=clusters)
        found.append(Measure(ALL["auroc_at_least"], label, "area under the ROC curve", compute))
    if manifest.positive is not None:
        found += _calls(rows, y >= labels.index(manifest.positive), manifest.positive, clusters)
    for label in _probable(labels, manifest.positive):
        j = labels.index(label) - 1
        scored = ((y > j).astype(int), p[:, j])
        found.append(
            Measure(ALL["brier"], label, "squared probability", partial(brier, *scored, cluster=clusters))
        )
        found.append(Measure(ALL["ece"], label, "probability", partial(ece, *scored, cluster=clusters)))
    scores = numbers(rows, [f"score_{label}" for label in labels])
    found += selective_measures(rows, scores[np.arange(len(y)), decided], decided != y, clusters)
    return found + set_measures(rows, labels, y, clusters)


def figures(rows: Sequence[Row], manifest: Manifest, measured: Sequence[Measured], /) -> list[Figure]:
    """Confusion by grade, the curve of each grade or higher, and what the probabilities meant."""
    labels = list(manifest.labels)
    y, decided = _grades(rows, labels)
    p, _ = _reached(rows, labels)
    clusters = clusters_of([r["patient"] for r in rows])
    areas = {m.label: m for m in measured if m.metric.key == "auroc_at_least"}
    curves: list[ScoredTruth] = []
    for j, label in enumerate(labels[1:]):
        truth = y > j
        if truth.any() and not truth.all():
            point = manifest.operating_points.get(label)
            threshold = point.threshold if point else None
            curves.append(
                ScoredTruth(f"{label} or higher", truth, p[:, j], areas.get(label), threshold, clusters)
            )
    out: list[Figure] = [ConfusionFigure(y, decided, labels)]
    if curves:
        out.append(RocFigure(curves))
    for label in _probable(labels, manifest.positive):
        j = labels.index(label) - 1
        subject = f"probability of {label} or higher"
        out.append(ReliabilityFigure(y > j, p[:, j], subject, clusters))
        if label == manifest.positive:
            point = manifest.operating_points.get(label)
            out.append(ScoresFigure(y, p[:, j], labels, subject, point.threshold if point else None))
    scores = numbers(rows, [f"score_{label}" for label in labels])
    sure = scores[np.arange(len(y)), decided]
    return [*out, selective_figure("grades", rows, sure, decided != y, measured)]


def telling(rows: Sequence[Row], manifest: Manifest, /) -> list[Telling]:
    """The errors that are farthest off, the surest of them first, and some right answers."""
    labels = list(manifest.labels)
    y, decided = _grades(rows, labels)
    off = np.abs(y - decided)
    sure = [float(r[f"score_{r['decided']}"]) for r in rows]
    order = sorted(range(len(rows)), key=lambda i: (-off[i], -sure[i]))
    wrong = [i for i in order if off[i]][:ERRORS]
    right = [i for i in range(len(rows)) if not off[i]][:RIGHT]
    return [
        Telling(
            title,
            rows[i]["case"],
            f"{rows[i]['case']}: {rows[i]['decided']} ({sure[i]:.2f}), true {rows[i]['label']}",
        )
        for title, part in (("Errors farthest off", wrong), ("Correct", right))
        for i in part
    ]


def _probable(labels: Sequence[str], positive: str | None) -> list[str]:
    """The grades of which "or higher" is held against what was observed: the positive one, else all but the lowest."""
    return list(labels[1:]) if positive is None else [positive]


def _calls(
    rows: Sequence[Row], truth: NDArray[np.bool_], positive: str, clusters: NDArray[Any] | None
) -> list[Measure]:
    called = numbers(rows, ["called"])[:, 0]
    if np.isfinite(called).all():
        return rates(called == 1, truth, clusters, label=positive, keys=CALLED)

    def none() -> Any:
        raise ValueError(f"no threshold of {positive} is fixed")

    return [Measure(ALL[key], positive, CASES, none) for key in CALLED]


def _grades(rows: Sequence[Row], labels: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the true and the decided grade, ``(n,)`` each."""
    index = {label: k for k, label in enumerate(labels)}
    y, decided = (np.array([index[r[c]] for r in rows], np.int64) for c in ("label", "decided"))
    return y, decided


def _reached(rows: Sequence[Row], labels: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probability and log odds of each grade but the lowest or a higher one, ``(n, labels - 1)`` each."""
    p, odds = (
        numbers(rows, [f"{kind}_{label}" for label in labels[1:]]) for kind in ("at_least", "odds_at_least")
    )
    return p, odds
