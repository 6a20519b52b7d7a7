"""Standard error of an area from the area and the sizes alone, and ratings given as counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, Ints, as_count, as_floats, check_confidence
from overread.stats.interval import Interval
from overread.stats.roc.curve import checked
from overread.stats.roc.limits import area_limits
from overread.stats.roc.placements import placements


@dataclass(frozen=True)
class HanleyMcNeil:
    """An area with its standard error; ``q1`` and ``q2`` are the chances that two positives outrank one
    negative and that one positive outranks two negatives, if the scores were exponential."""

    auc: Interval
    standard_error: float
    q1: float
    q2: float


def hanley_mcneil(
    y: ArrayLike | None = None,
    score: ArrayLike | None = None,
    *,
    auc: float | None = None,
    n_pos: int | None = None,
    n_neg: int | None = None,
    confidence: float = 0.95,
    scale: str = "plain",
) -> HanleyMcNeil:
    """Standard error and interval of an AUC (Hanley and McNeil, Radiology 1982;143:29).

    Takes the data, ``hanley_mcneil(y, score)``; or only the area and the numbers of positives and negatives,
    ``hanley_mcneil(auc=0.85, n_pos=40, n_neg=40)``. ``scale`` is ``plain`` (limits cut to 0 and 1) or ``logit``.
    The formula takes exponential scores: prefer DeLong's (``auc``) where the scores are at hand.

    Raises ValueError for an area outside 0 to 1, sizes that are not whole and positive, or a mixture of both
    forms.
    """
    check_confidence(confidence)
    if scale not in ("plain", "logit"):
        raise ValueError(f"scale is {scale!r}, expected 'plain' or 'logit'")
    if y is not None and score is not None and auc is None:
        labels, s = checked(y, score)
        area, m, n = placements(labels, s)[0], int(labels.sum()), int((~labels).sum())
    elif y is None and score is None and auc is not None and n_pos is not None and n_neg is not None:
        area, m, n = float(auc), as_count(n_pos, "n_pos", least=1), as_count(n_neg, "n_neg", least=1)
    else:
        raise ValueError("expected either auc, n_pos and n_neg, or y and score")
    if not 0 <= area <= 1:
        raise ValueError(f"auc is {area:g}, expected 0 to 1")
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    variance = hanley_mcneil_variance(area, m, n)
    interval = area_limits(area, variance, m, n, confidence, scale, "Hanley-McNeil", m + n)
    return HanleyMcNeil(interval, float(np.sqrt(variance)), q1, q2)


def hanley_mcneil_variance(area: float, positives: float, negatives: float) -> float:
    """Variance of an area of exponentially distributed scores."""
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    return float(spread / (positives * negatives))


def expand_ratings(
    negatives: ArrayLike, positives: ArrayLike, *, ratings: ArrayLike | None = None
) -> tuple[Ints, Floats]:
    """Labels (n,) and scores (n,) of a table of counts per rating category.

    ``negatives`` (c,) and ``positives`` (c,) count the cases of each class by category, lowest suspicion
    first; ``ratings`` (c,) are the categories' values, 1 to c by default.

    Raises ValueError for counts that are not whole and 0 or more, or of different lengths.
    """
    tables = [as_floats(negatives, "negatives"), as_floats(positives, "positives")]
    values = np.arange(1.0, len(tables[0]) + 1) if ratings is None else as_floats(ratings, "ratings")
    for table, name in zip(tables, ("negatives", "positives"), strict=True):
        if (table < 0).any() or (table != np.round(table)).any():
            raise ValueError(f"{name} holds counts that are negative or not whole")
        if len(table) != len(values):
            raise ValueError(f"{name} has {len(table)} categories, expected {len(values)}")
    counts = [table.astype(np.int64) for table in tables]
    y = np.repeat(np.array([0, 1]), [counts[0].sum(), counts[1].sum()])
    return y, np.concatenate([np.repeat(values, c) for c in counts])
