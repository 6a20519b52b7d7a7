"""FROC: lesions found against false marks per image, as the threshold falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats
from overread.stats.detection.marks import Marks
from overread.stats.detection.resampling import IntervalMethod, intervals
from overread.stats.interval import Interval

CPM_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class FrocCurve:
    """One point per distinct rating, from (0, 0) on; a mark counts where its rating is >= the threshold.

    ``thresholds`` (m,) fall, the first is infinity; ``sensitivity`` (m,) is the part of lesions found and
    ``false_per_image`` (m,) the mean number of false marks. The last sensitivity is that of all marks.
    """

    thresholds: Floats
    sensitivity: Floats
    false_per_image: Floats


def froc_curve(marks: Marks) -> FrocCurve:
    """Free-response ROC curve (Bunch et al., SPIE 1977;127:124). Raises ValueError without a lesion."""
    _check_lesions(marks)
    points = _Points(marks)
    sensitivity, false = points(np.ones((1, marks.cases)))
    return FrocCurve(
        np.append(np.inf, points.levels), np.append(0.0, sensitivity[0]), np.append(0.0, false[0])
    )


def sensitivity_at_false_positives(
    marks: Marks,
    *,
    rates: Sequence[float] = CPM_RATES,
    interpolation: Literal["linear", "step"] = "linear",
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[float, Interval]:
    """Sensitivity at given mean numbers of false marks per image, each with a bootstrap interval over cases.

    ``linear`` interpolates between the points of the FROC curve, as LUNA16 and MONAI do; ``step`` takes the best
    point that stays at or below the rate, which a threshold can really reach. Beyond the last point the
    sensitivity of all marks holds. ``cluster`` (cases,) is the patient of each case. Raises ValueError without a
    lesion.
    """
    levels = _rates(rates)
    found = _at_rates(marks, levels, interpolation, cluster, method, confidence, resamples, seed)
    return dict(zip(levels.tolist(), found[:-1], strict=True))


def cpm(
    marks: Marks,
    *,
    rates: Sequence[float] = CPM_RATES,
    interpolation: Literal["linear", "step"] = "linear",
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Competition performance metric: mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false marks per image.

    Niemeijer et al. (IEEE Trans Med Imaging 2011;30:215); the LUNA16 score (Setio, Med Image Anal 2017;42:1).
    Parameters as for ``sensitivity_at_false_positives``.
    """
    return _at_rates(marks, _rates(rates), interpolation, cluster, method, confidence, resamples, seed)[-1]


class _Points:
    """Points of the curve for many weightings of the cases, sorted once."""

    def __init__(self, marks: Marks) -> None:
        marked = marks.lesion_score > -np.inf
        score = np.concatenate([marks.lesion_score[marked], marks.false_score])
        order = np.argsort(-score, kind="stable")
        self.case = np.concatenate([marks.lesion_case[marked], marks.false_case])[order]
        self.lesion = (np.arange(len(score)) < marked.sum())[order]
        # Equal ratings make one point.
        self.ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True)[: len(score)])
        self.levels = score[order][self.ends]
        self.lesions = np.bincount(marks.lesion_case, minlength=marks.cases).astype(np.float64)

    def __call__(self, weights: Floats) -> tuple[Floats, Floats]:
        """Sensitivity and false marks per image (b, m) under case weights (b, cases)."""
        drawn = weights[:, self.case]
        total = weights @ self.lesions
        found = np.cumsum(drawn * self.lesion, axis=1)[:, self.ends]
        false = np.cumsum(drawn * ~self.lesion, axis=1)[:, self.ends]
        share = np.divide(found, total[:, None], out=np.full(found.shape, np.nan), where=(total > 0)[:, None])
        return share, false / weights.sum(axis=1, keepdims=True)


def _at_rates(
    marks: Marks,
    rates: Floats,
    interpolation: str,
    cluster: ArrayLike | None,
    method: str,
    confidence: float,
    resamples: int,
    seed: int,
) -> list[Interval]:
    """Interval of the sensitivity at each rate, and of their mean."""
    if interpolation not in ("linear", "step"):
        raise ValueError(f"interpolation is {interpolation!r}, expected 'linear' or 'step'")
    _check_lesions(marks)
    points = _Points(marks)

    def statistic(weights: Floats) -> Floats:
        found = np.empty((len(weights), len(rates) + 1))
        if len(points.levels) == 0:
            found[:] = 0
            return found
        for row, sensitivity, false in zip(found, *points(weights), strict=True):
            if interpolation == "linear":
                row[:-1] = np.interp(rates, np.append(0.0, false), np.append(0.0, sensitivity))
            else:
                index = np.searchsorted(false, rates * (1 + 1e-12), side="right") - 1
                row[:-1] = np.where(index >= 0, sensitivity[index], 0.0)
            row[-1] = row[:-1].mean()
        return found

    strata = marks.abnormal.astype(np.int64)
    return intervals(statistic, marks.cases, cluster, strata, method, confidence, resamples, seed)


def _check_lesions(marks: Marks) -> None:
    if not len(marks.lesion_score):
        raise ValueError("no case holds a lesion: sensitivity does not exist")


def _rates(rates: Sequence[float]) -> Floats:
    levels = np.asarray(rates, dtype=np.float64)
    if levels.ndim != 1 or not len(levels) or not (np.isfinite(levels) & (levels > 0)).all():
        raise ValueError(f"rates is {rates!r}, expected positive numbers of false marks per image")
    return levels
