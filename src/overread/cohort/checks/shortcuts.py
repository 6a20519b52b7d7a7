"""Shortcuts: can the label be told from metadata, or from the picture's corners, where no finding is?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from overread.cohort.checks.inspection import Inspection
from overread.cohort.checks.logistic import cross_validated
from overread.cohort.checks.presence import Presence
from overread.cohort.finding import Finding
from overread.cohort.splits import folds
from overread.errors import InputError
from overread.stats.interval import Interval
from overread.stats.roc import auc

Floats = NDArray[np.float64]

FOLDS = 5
FEWEST = 15
"""Patients of the class, and of the others, below which no model is fitted."""
EFFECT = 0.6
"""AUC below which a shortcut is too weak to matter, however sure it is."""
LEVELS = 30
PASSED_OVER = ("fold", "visit")


def check_shortcuts(inspections: Sequence[Inspection], presence: Presence) -> list[Finding]:
    """Warnings where a model that sees no finding ranks the label above chance in the training cases.

    One ridge logistic regression per attribute and per fact of the file, one of all together, and one of the
    brightness of corners and edges, each cross-validated by patient. A warning needs an AUC of 0.6 whose lower
    limit is above 0.5 after Bonferroni's correction for the number of models. Test cases are not looked at; cases
    of which a label is not stated are left out of its models, not taken for cases without it.
    """
    rows = [i for i, s in enumerate(inspections) if not s.problem and s.case.split == "train"]
    seen = [inspections[i] for i in rows]
    sources = _sources(seen)
    findings, tried = [], 0
    targets = [(name, y) for name, y in _targets(presence, rows) if _enough(seen, y)]
    models = len(targets) * len(sources)
    for name, y in targets:
        suspicious = []
        for what, x in sources.items():
            found = _skill(seen, x, y, 1 - 0.05 / models)
            tried += found is not None
            if found is not None and found.estimate >= EFFECT and found.low > 0.5:
                suspicious.append((what, found))
        suspicious.sort(key=lambda s: -s[1].estimate)
        for what, found in suspicious:
            message = (
                f"{what} alone tell{'' if ' and ' in what or what.endswith('s') else 's'} {name!r} from the rest: "
                f"cross-validated AUC {found.estimate:.2f} ({found.low:.2f} to {found.high:.2f}, corrected for "
                f"{models} models); a model may learn that instead of the finding. This is a screen, not a proof"
            )
            code = "shortcut.border" if what == BORDER else "shortcut.metadata"
            findings.append(Finding(code, "warning", message))
    if tried and not findings:
        findings.append(
            Finding(
                "shortcut.none",
                "info",
                f"shortcuts: none of {tried} models tells the label above chance; a screen, which sees no others",
            )
        )
    elif not tried and seen and presence.labels:
        message = f"shortcuts: not looked for, with fewer than {FEWEST} training patients of a class and of the others"
        findings.append(Finding("shortcut.none", "info", message))
    return findings


BORDER = "corners and edges of the image"
TOGETHER = "all attributes and facts of the files"


def _targets(presence: Presence, rows: Sequence[int]) -> list[tuple[str, Floats]]:
    """Each label as 1, 0 and NaN ``(rows,)``; of two that say the same, or the opposite, the latter alone."""
    kept: list[tuple[str, Floats]] = []
    for k in reversed(range(len(presence.labels))):
        y = presence.values[rows, k]
        if not any(np.array_equal(y, other, equal_nan=True) or np.array_equal(1 - y, other, equal_nan=True)
                   for _, other in kept):  # fmt: skip
            kept.append((presence.labels[k], y))
    return kept[::-1]


def _enough(seen: Sequence[Inspection], y: Floats) -> bool:
    people = [{s.case.patient for s, v in zip(seen, y, strict=True) if v == side} for side in (True, False)]
    return min(map(len, people)) >= FEWEST


def _sources(seen: Sequence[Inspection]) -> dict[str, Floats]:
    """Features (n, k) by what they are."""
    if not seen:
        return {}
    out = {}
    names = dict.fromkeys(k for s in seen for k in s.case.attributes if k not in PASSED_OVER)
    for name in names:
        out[name] = _columns([s.case.attributes.get(name, "") for s in seen])
    for name in ("Manufacturer", "ManufacturerModelName"):
        out[name] = _columns([s.facts.get(name, "") for s in seen])
    out["modality"] = _columns([s.modality for s in seen])
    out["channels present"] = _columns([",".join(s.case.images) for s in seen])
    facts: tuple[tuple[str, Callable[[Inspection], Sequence[float]]], ...] = (
        ("image size", lambda s: s.shape),
        ("pixel spacing", lambda s: s.spacing),
    )
    for what, of in facts:
        values = [of(s) for s in seen]
        if len({len(v) for v in values}) == 1:
            out[what] = np.log(np.maximum(np.array(values, dtype=np.float64), 1e-9))
    out = {k: v for k, v in out.items() if v.size and (v.std(axis=0) > 0).any()}
    if len(out) > 1:
        out[TOGETHER] = np.concatenate([*out.values()], axis=1)
    edges = _edges([s.measured.border for s in seen])
    if edges.size and (edges.std(axis=0) > 0).any():
        out[BORDER] = edges
    return out


def _edges(values: Sequence[Sequence[float]]) -> Floats:
    """Corners and edges (n, k); of an image where they could not be measured, the others' medians."""
    most = max(map(len, values), default=0)
    table = np.array([v if len(v) == most else [np.nan] * most for v in values], dtype=np.float64)
    return np.where(np.isfinite(table), table, np.nanmedian(table, axis=0)) if most else table


def _columns(values: Sequence[str]) -> Floats:
    """A numeric column as numbers, with one that says where it is empty; another as one column per frequent value."""
    numbers = [_number(v) for v in values]
    filled = [n for n, v in zip(numbers, values, strict=True) if v]
    if filled and all(n is not None for n in filled):
        middle = float(np.median([n for n in filled if n is not None]))
        return np.array([(middle if n is None else n, n is None) for n in numbers], dtype=np.float64)
    counts = Counter(values)
    if len(counts) > max(LEVELS, len(values) / 2):
        # Free text and identifiers name single cases.
        return np.zeros((len(values), 0))
    common = [v for v, n in counts.most_common(LEVELS) if n > 1]
    return np.array([[v == c for c in common] for v in values], dtype=np.float64).reshape(len(values), -1)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _within(score: Floats, fold: NDArray[np.int64]) -> Floats:
    """Ranks of the scores within their folds, from 0 to 1; equal ones share a rank."""
    out = np.empty(len(score))
    for k in np.unique(fold):
        here = fold == k
        out[here] = (rankdata(score[here]) - 0.5) / np.count_nonzero(here)
    return out


def _skill(seen: Sequence[Inspection], x: Floats, states: Floats, confidence: float) -> Interval | None:
    """AUC of the cross-validated scores, patients being the units; None where no fold can be made.

    Scores are compared by their rank within their fold: models of different folds differ in level, and the AUC of
    pooled scores falls below 0.5 for features that say nothing (Airola et al., Comput Stat Data Anal 2011;55:1828).
    """
    known = np.flatnonzero(np.isfinite(states))
    seen, x, y = [seen[i] for i in known.tolist()], x[known], states[known] == 1
    patients = [s.case.patient for s in seen]
    ever = dict.fromkeys(patients, "")
    for p, v in zip(patients, y.tolist(), strict=True):
        ever[p] = "yes" if v or ever[p] == "yes" else "no"
    try:
        fold = folds(ever, FOLDS, strata=ever)
    except InputError:
        return None
    folded = np.array([fold[p] for p in patients])
    score = _within(cross_validated(x, y, folded), folded)
    cluster = patients if len(ever) < len(patients) else None
    return auc(y, score, confidence=confidence, cluster=cluster)
