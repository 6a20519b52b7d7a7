"""Marks of a free-response study: what each lesion was rated, and every mark that is on no lesion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, Ints
from overread.stats.detection.images import checked_images
from overread.stats.detection.matching import Rule, match_detections


@dataclass(frozen=True)
class Marks:
    """Rated marks of one reader or model on ``cases`` cases, numbered from 0.

    ``lesion_score`` (l,) is the highest rating of each lesion, minus infinity where it was not marked;
    ``lesion_case`` (l,) its case; ``lesion_weight`` (l,) its clinical weight, which sum to 1 in each case.
    ``false_score`` (f,) and ``false_case`` (f,) are the marks that are on no lesion.
    """

    lesion_score: Floats
    lesion_case: Ints
    lesion_weight: Floats
    false_score: Floats
    false_case: Ints
    cases: int

    @property
    def abnormal(self) -> Bools:
        """(cases,): True where the case holds a lesion."""
        holds = np.zeros(self.cases, dtype=np.bool_)
        holds[self.lesion_case] = True
        return holds

    @property
    def highest_false(self) -> Floats:
        """(cases,): highest rating of a mark that is on no lesion, minus infinity without one."""
        highest = np.full(self.cases, -np.inf)
        np.maximum.at(highest, self.false_case, self.false_score)
        return highest

    @property
    def highest(self) -> Floats:
        """(cases,): highest rating of any mark, the case's inferred ROC rating."""
        highest = self.highest_false
        np.maximum.at(highest, self.lesion_case, self.lesion_score)
        return highest


def rated_marks(
    lesions: Sequence[ArrayLike],
    false_marks: Sequence[ArrayLike],
    *,
    weights: Sequence[ArrayLike] | None = None,
) -> Marks:
    """Marks from ratings.

    Parameters
    ----------
    lesions
        For each case the rating of each of its lesions, ``-inf`` where not marked; empty for a normal case.
    false_marks
        For each case the ratings of the marks on no lesion; ``-inf`` entries are no marks, so that a table
        padded with them may be given.
    weights
        For each case the weights of its lesions, which sum to 1; equal within the case if not given.

    Raises ValueError for NaN, different numbers of cases, or weights that do not fit.
    """
    if len(lesions) != len(false_marks):
        raise ValueError(
            f"lesions has {len(lesions)} cases, false_marks {len(false_marks)}; expected the same cases"
        )
    if not len(lesions):
        raise ValueError("lesions is empty; expected one entry for each case")
    if weights is not None and len(weights) != len(lesions):
        raise ValueError(f"weights has {len(weights)} cases, expected {len(lesions)}")
    real = [_ratings(r, f"lesions[{i}]") for i, r in enumerate(lesions)]
    false = [_ratings(r, f"false_marks[{i}]") for i, r in enumerate(false_marks)]
    false = [r[r > -np.inf] for r in false]
    shares = [
        np.full(len(r), 1 / max(len(r), 1)) if weights is None else _weights(weights[i], len(r), i)
        for i, r in enumerate(real)
    ]
    numbers = np.arange(len(real))
    return Marks(
        np.concatenate(real),
        np.repeat(numbers, [len(r) for r in real]),
        np.concatenate(shares),
        np.concatenate(false),
        np.repeat(numbers, [len(r) for r in false]),
        len(real),
    )


def matched_marks(
    pred: Sequence[Mapping[str, Any]],
    truth: Sequence[Mapping[str, Any]],
    *,
    rule: Rule = "centre-in-box",
    threshold: float = 0.5,
    spacing: ArrayLike | None = None,
    duplicates: Literal["false", "ignored"] = "ignored",
) -> Marks:
    """Marks from boxes: each lesion takes its most confident match, by ``match_detections``.

    ``pred`` and ``truth`` hold one mapping per image as for ``average_precision``; labels are not looked at. A
    further mark on a lesion already found counts nowhere (``ignored``, as in lesion studies and LUNA16) or as a
    false one. Lesions weigh the same within an image.
    """
    lesions, false = [], []
    for image in checked_images(pred, truth):
        match = match_detections(
            image.pred,
            image.score,
            image.truth,
            rule=rule,
            threshold=threshold,
            spacing=spacing,
            ignore=image.ignore,
            crowd=image.crowd,
            duplicates=duplicates,
        )
        scores = np.full(len(image.truth), -np.inf)
        hit = match.truth >= 0
        scores[match.truth[hit]] = image.score[hit]
        lesions.append(scores[~(image.ignore | image.crowd)])
        false.append(image.score[~hit & ~match.ignored])
    return rated_marks(lesions, false)


def _ratings(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if np.isnan(array).any() or (array == np.inf).any():
        raise ValueError(f"{name} holds NaN or infinity; expected ratings, -inf where there is no mark")
    return array


def _weights(values: ArrayLike, n: int, case: int) -> Floats:
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(array) != n or (array < 0).any() or (n and abs(float(array.sum()) - 1) > 1e-6):
        raise ValueError(f"weights[{case}] is {array.tolist()}, expected {n} weights that sum to 1")
    return array
