"""Krippendorff's alpha: agreement of any number of raters, with missing ratings, on any scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.agreement.ratings import Ratings, counted
from overread.stats.arrays import Floats, check_confidence
from overread.stats.bootstrap import defined, limits, resample_counts
from overread.stats.interval import Interval

Level = Literal["nominal", "ordinal", "interval", "ratio"]


@dataclass(frozen=True)
class KrippendorffAlpha:
    """``alpha`` = 1 - observed / expected disagreement."""

    alpha: Interval
    observed: float
    expected: float
    level: str


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    level: Level = "nominal",
    categories: Sequence[Any] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> KrippendorffAlpha:
    """Alpha of ``ratings`` (subjects, raters) (Krippendorff, Content Analysis, 4th ed. 2018, chapter 12).

    None and NaN are missing; subjects with fewer than two ratings tell nothing. ``level`` of measurement decides how
    far two categories are apart: ``ordinal`` by the number of ratings between them, ``interval`` and ``ratio`` by
    their values. ``categories``: their order where they are text. Percentile limits of a bootstrap of subjects (Zapf et
    al., BMC Med Res Methodol 2016;16:93).

    Raises ValueError for another shape, fewer than two subjects with two ratings, all ratings of one category, text
    without an order where the level needs one, or values of both signs for ``ratio``.
    """
    check_confidence(confidence)
    found = counted(ratings, categories)
    table = found.counts[found.counts.sum(axis=1) >= 2].astype(np.float64)
    if len(table) < 2:
        raise ValueError(f"{len(table)} subjects have two ratings or more, expected two subjects or more")
    _check_scale(found, level, categories)
    observed, expected = _disagreements(table, found.values, level, np.ones((1, len(table))))
    if expected[0] == 0:
        raise ValueError("all ratings are of one category; alpha does not exist")
    blocks = resample_counts(len(table), resamples, seed)
    pairs = [_disagreements(table, found.values, level, counts) for counts in blocks]
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates = np.concatenate([np.where(e > 0, 1 - o / e, np.nan) for o, e in pairs])
    estimate = float(1 - observed[0] / expected[0])
    alpha = limits(
        estimate,
        defined(replicates),
        method="percentile",
        confidence=confidence,
        n=len(table),
        name="bootstrap of subjects",
    )
    return KrippendorffAlpha(alpha, float(observed[0]), float(expected[0]), level)


def _disagreements(table: Floats, values: Floats, level: str, counts: Floats) -> tuple[Floats, Floats]:
    """Mean observed and expected squared distance (b,) of each row of draw ``counts`` (b, subjects)."""
    times = table.sum(axis=1)
    total = counts @ times
    frequency = counts @ table
    # Pairs of one subject, each rating weighted alike: coincidences (subjects, k, k).
    pairs = table[:, :, None] * table[:, None, :]
    pairs[:, range(table.shape[1]), range(table.shape[1])] -= table
    coincidence = np.tensordot(counts, pairs / (times - 1)[:, None, None], axes=1)
    apart = _distance(values, level, frequency)
    observed = (coincidence * apart).sum(axis=(1, 2)) / total
    expected = (frequency[:, :, None] * frequency[:, None, :] * apart).sum(axis=(1, 2)) / (
        total * (total - 1)
    )
    return observed, expected


def _distance(values: Floats, level: str, frequency: Floats) -> Floats:
    """Squared distance (b or 1, k, k) of two categories."""
    if level == "nominal":
        return (1 - np.eye(len(values)))[None]
    if level == "interval":
        interval: Floats = ((values[:, None] - values) ** 2)[None]
        return interval
    if level == "ratio":
        total = values[:, None] + values
        ratio: Floats = (
            np.divide(values[:, None] - values, total, out=np.zeros_like(total), where=total != 0) ** 2
        )[None]
        return ratio
    # Ratings from the middle of one category to the middle of the other.
    middle = np.cumsum(frequency, axis=1) - frequency / 2
    ordinal: Floats = (middle[:, :, None] - middle[:, None, :]) ** 2
    return ordinal


def _check_scale(found: Ratings, level: str, categories: Sequence[Any] | None) -> None:
    if level not in ("nominal", "ordinal", "interval", "ratio"):
        raise ValueError(f"level is {level!r}, expected 'nominal', 'ordinal', 'interval' or 'ratio'")
    text = any(isinstance(v, str) for v in found.categories)
    if text and level in ("interval", "ratio"):
        raise ValueError(f"ratings are text; level {level!r} needs numbers")
    if text and level == "ordinal" and categories is None:
        raise ValueError("ordinal ratings of text need categories in their order")
    if level == "ratio" and found.values.min() < 0:
        raise ValueError(f"level 'ratio' needs values of 0 or more, found {found.values.min():g}")
