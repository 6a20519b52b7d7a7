"""Figures of merit of free-response studies: AFROC, weighted AFROC, and the inferred ROC.

Each is the chance that a lesion is rated above the highest false mark of a comparison case, ties counting one
half; a lesion or case without a mark is rated minus infinity, so that an unmarked lesion against an unmarked
normal case is a tie. Chakraborty (Med Phys 1989;16:561), weights: Chakraborty and Zhai (Med Phys 2016;43:2548).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, Ints
from overread.stats.bootstrap import BLOCK_VALUES
from overread.stats.detection.marks import Marks
from overread.stats.detection.resampling import IntervalMethod, intervals
from overread.stats.interval import Interval
from overread.stats.roc.resample import WeightedAuc

FomName = Literal["wafroc", "wafroc1", "afroc", "afroc1", "hr-auc", "max-llf"]
FIGURES_OF_MERIT = ("wafroc", "wafroc1", "afroc", "afroc1", "hr-auc", "max-llf")


def wafroc(
    marks: Marks,
    *,
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Area under the weighted AFROC curve, with a bootstrap interval over cases.

    Lesions count by their weights, so that every abnormal case counts the same; false marks are those of normal
    cases. Cases are drawn within normal and abnormal; with ``cluster`` (cases,) whole patients are. ``logit``
    limits (bootstrap standard error on the logit scale, t quantile) cover 93 to 97% from 20 + 20 cases on.

    Raises ValueError without a normal or without an abnormal case.
    """
    return _interval(marks, "wafroc", cluster, method, confidence, resamples, seed)


def wafroc1(
    marks: Marks,
    *,
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """As ``wafroc``, with the false marks of normal and abnormal cases; needs no normal case."""
    return _interval(marks, "wafroc1", cluster, method, confidence, resamples, seed)


def afroc(
    marks: Marks,
    *,
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Area under the AFROC curve: as ``wafroc``, every lesion counting the same."""
    return _interval(marks, "afroc", cluster, method, confidence, resamples, seed)


def afroc1(
    marks: Marks,
    *,
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """As ``afroc``, with the false marks of normal and abnormal cases; needs no normal case."""
    return _interval(marks, "afroc1", cluster, method, confidence, resamples, seed)


def hr_auc(
    marks: Marks,
    *,
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Area under the ROC curve of each case's highest rating, of any mark."""
    return _interval(marks, "hr-auc", cluster, method, confidence, resamples, seed)


def figure_of_merit(
    marks: Marks, *, fom: FomName = "wafroc", case_weights: ArrayLike | None = None
) -> Floats:
    """A figure of merit under each weighting of the cases (b, cases), (b,); all weights 1 if not given.

    Pure and sorted once, for bootstrap and jackknife. ``max-llf`` is the part of lesions marked at all. NaN
    where a weighting leaves no lesion or no case to compare with.
    """
    weights = (
        np.ones((1, marks.cases)) if case_weights is None else np.asarray(case_weights, dtype=np.float64)
    )
    if weights.ndim != 2 or weights.shape[1] != marks.cases:
        raise ValueError(f"case_weights has shape {weights.shape}, expected (b, {marks.cases})")
    return _FigureOfMerit(marks, fom)(weights)


def leave_one_out(marks: Marks, *, fom: FomName = "wafroc") -> Floats:
    """Figure of merit without each case in turn (cases,), as ``readers`` takes it for its jackknife."""
    statistic = _FigureOfMerit(marks, fom)
    block = max(1, BLOCK_VALUES // statistic.rows)
    numbers = np.arange(marks.cases)
    return np.concatenate(
        [
            statistic((numbers != numbers[i : i + block, None]).astype(np.float64))
            for i in range(0, marks.cases, block)
        ]
    )


class _FigureOfMerit:
    """A figure of merit as an area over lesions and comparison cases, for many weightings of cases."""

    def __init__(self, marks: Marks, fom: str) -> None:
        if fom not in FIGURES_OF_MERIT:
            raise ValueError(f"fom is {fom!r}, expected one of {', '.join(FIGURES_OF_MERIT)}")
        abnormal = np.flatnonzero(marks.abnormal)
        normal = np.flatnonzero(~marks.abnormal)
        if not len(abnormal):
            raise ValueError("no case holds a lesion: expected at least one abnormal case")
        compared = np.arange(marks.cases) if fom.endswith("1") else normal
        if fom != "max-llf" and not len(compared):
            raise ValueError(f"{fom} needs a normal case; without one use 'wafroc1' or 'afroc1'")
        if fom == "hr-auc":
            score, case, share = marks.highest[abnormal], abnormal, np.ones(len(abnormal))
            against = marks.highest[compared]
        else:
            score, case = marks.lesion_score, marks.lesion_case
            share = marks.lesion_weight if fom.startswith("w") else np.ones(len(score))
            against = marks.highest_false[compared]
        # The part of lesions marked at all compares with no case.
        self.marked = marks.lesion_score > -np.inf if fom == "max-llf" else None
        self.lesion_case: Ints = case
        self.case = np.concatenate([case, compared])
        self.share = np.concatenate([share, np.ones(len(compared))])
        self.rows = len(self.case)
        # Ranks stand for ratings, so that minus infinity ties with itself.
        ranks = np.unique(np.concatenate([score, against]), return_inverse=True)[1].astype(np.float64)
        self.area = WeightedAuc(np.arange(self.rows) < len(case), ranks)

    def __call__(self, weights: Floats) -> Floats:
        if self.marked is not None:
            drawn = weights[:, self.lesion_case]
            total = drawn.sum(axis=1)
            found: Floats = np.divide(
                drawn @ self.marked, total, out=np.full(len(weights), np.nan), where=total > 0
            )
            return found
        return self.area(weights[:, self.case] * self.share)


def _interval(
    marks: Marks,
    fom: str,
    cluster: ArrayLike | None,
    method: str,
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    figure = _FigureOfMerit(marks, fom)
    strata = marks.abnormal.astype(np.int64)
    return intervals(
        lambda w: figure(w)[:, None], marks.cases, cluster, strata, method, confidence, resamples, seed
    )[0]
