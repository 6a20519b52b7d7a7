"""Thresholds that keep what their rule says on later patients, not only on those they were chosen on.

The sensitivity that is apparent on the tuning cases is too good for later ones: the k-th of n ranked positive cases
has a true sensitivity that is distributed as Beta(k, n + 1 - k), k / (n + 1) on average.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from overread.evaluate import patients
from overread.evaluate.rules import CaseRule
from overread.stats.bootstrap import resample_counts
from overread.stats.roc import operating_point

RESAMPLES = 200


def threshold(
    score: NDArray[np.float64],
    truth: NDArray[np.bool_],
    rule: CaseRule,
    *,
    cluster: NDArray[Any] | None = None,
) -> tuple[float, str]:
    """The threshold of ``rule``, and why it cannot promise it where there are too few patients.

    ``sensitivity``: the highest threshold with which a new patient's image that has the finding is called with
    probability ``goal``, on average over tuning sets (split conformal, by patients), or with probability ``confidence``
    over tuning sets (lower Clopper-Pearson limit at least ``goal``; of each patient the lowest score counts then).
    ``specificity`` likewise. ``youden``: the median over resampled patients of the threshold with the largest
    sensitivity + specificity, which is less at the mercy of single cases than that of the cases themselves (Leeflang
    et al., Clin Chem 2008;54:729).
    """
    if rule.kind == "youden":
        return _youden(score, truth, cluster), ""
    kept = truth if rule.kind == "sensitivity" else ~truth
    # The direction in which scores of the kept cases must not go too far.
    sign = -1.0 if rule.kind == "sensitivity" else 1.0
    values, owner = sign * score[kept], None if cluster is None else cluster[kept]
    if rule.confidence is None:
        limit = patients.quantile(values, coverage=rule.goal, cluster=owner)
    else:
        limit = _tolerance(values, owner, rule.goal, rule.confidence)
    note = ""
    if not np.isfinite(limit):
        limit = float(values.max())
        n = patients.count(owner, len(values))
        note = (
            f"threshold: {n} tuning patients cannot promise the rule, expected {rule.fewest()} or more; all of them "
            "are on the right side"
        )
    return _beyond(sign * limit, score, sign), note


def optimism(
    score: NDArray[np.float64],
    truth: NDArray[np.bool_],
    rule: CaseRule,
    *,
    cluster: NDArray[Any] | None = None,
) -> dict[str, float]:
    """How much better sensitivity and specificity look on the cases a threshold was chosen on than on others.

    Efron's bootstrap estimate: the mean over resamples of what the threshold chosen on them gives there, less what it
    gives on all cases (Harrell, Stat Med 1996;15:361).
    """
    differences = []
    for rows, drawn in _drawn(truth, cluster, RESAMPLES):
        owner = None if cluster is None else drawn
        chosen = (
            _best(score[rows], truth[rows])
            if rule.kind == "youden"
            else threshold(score[rows], truth[rows], rule, cluster=owner)[0]
        )
        differences.append(_rates(score[rows], truth[rows], chosen) - _rates(score, truth, chosen))
    mean = np.mean(differences, axis=0) if differences else np.zeros(2)
    return {"sensitivity": float(mean[0]), "specificity": float(mean[1])}


def _youden(score: NDArray[np.float64], truth: NDArray[np.bool_], cluster: NDArray[Any] | None) -> float:
    found = [_best(score[rows], truth[rows]) for rows, _ in _drawn(truth, cluster, RESAMPLES)]
    return float(np.median(found)) if found else _best(score, truth)


def _best(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    return float(operating_point(truth, score, rule="youden").threshold)


def _drawn(
    truth: NDArray[np.bool_], cluster: NDArray[Any] | None, resamples: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of resampled patients that hold both kinds, and for each row which draw it came with: a patient who is drawn
    twice counts as two."""
    codes = np.arange(len(truth)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    own = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    out = []
    for counts in np.concatenate(list(resample_counts(len(own), resamples, 0))):
        patients = np.repeat(np.arange(len(own)), counts.astype(np.int64))
        rows = np.concatenate([own[p] for p in patients])
        if truth[rows].any() and not truth[rows].all():
            out.append((rows, np.repeat(np.arange(len(patients)), [len(own[p]) for p in patients])))
    return out


def _tolerance(
    values: NDArray[np.float64], owner: NDArray[Any] | None, goal: float, confidence: float
) -> float:
    """The smallest of the patients' largest values below which ``goal`` of all lie with ``confidence``; else inf."""
    if owner is not None:
        codes = np.unique(owner, return_inverse=True)[1]
        worst = np.full(int(codes.max()) + 1, -np.inf)
        np.maximum.at(worst, codes, values)
        values = worst
    n = len(values)
    k = np.arange(1, n + 1)
    enough = np.flatnonzero(1 - betainc(k, n - k + 1, goal) >= confidence - 1e-12)
    return float(np.sort(values)[enough[0]]) if len(enough) else float("inf")


def _beyond(limit: float, score: NDArray[np.float64], sign: float) -> float:
    """A threshold (positive from it on) that has ``limit`` on the right side, midway to the next score where there is
    room: a sensitivity's limit is called, a specificity's is not."""
    others = np.unique(score)
    if sign < 0:
        lower = others[others < limit]
        middle = (limit + float(lower[-1])) / 2 if len(lower) else limit
        return middle if middle < limit else limit
    upper = others[others > limit]
    middle = (limit + float(upper[0])) / 2 if len(upper) else limit
    return middle if middle > limit else float(np.nextafter(limit, np.inf))


def _rates(score: NDArray[np.float64], truth: NDArray[np.bool_], limit: float) -> NDArray[np.float64]:
    return np.array([(score[truth] >= limit).mean(), (score[~truth] < limit).mean()])
