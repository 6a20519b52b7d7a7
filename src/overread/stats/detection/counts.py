"""What an FROC curve ends at: lesions found and false marks, whatever their rating."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import as_groups, same_length
from overread.stats.detection.marks import Marks
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, rate_ci


def max_llf(marks: Marks, *, cluster: ArrayLike | None = None, confidence: float = 0.95) -> Interval:
    """Share of lesions that are marked at all (MaxLLF; Chakraborty, Observer Performance Methods, 2017, chapter 13).

    Wilson limits, lesions of one case (or ``cluster`` (cases,)) counted together. Raises ValueError without a lesion.
    """
    if not len(marks.lesion_score):
        raise ValueError("no case holds a lesion: there is none to find")
    owner = _owner(marks, cluster)[marks.lesion_case]
    return rate_ci(marks.lesion_score > -np.inf, cluster=owner, method="wilson", confidence=confidence)


def max_nlf(
    marks: Marks,
    *,
    cases: str = "normal",
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Mean number of marks on no lesion in a case (MaxNLF, as above), whatever their rating: lower is better.

    ``cases``: ``normal``, those without a lesion, or ``all``. Bootstrap limits over cases, or ``cluster`` (cases,).
    Raises ValueError where there is no such case, or fewer than five of them.
    """
    if cases not in ("normal", "all"):
        raise ValueError(f"cases is {cases!r}, expected 'normal' or 'all'")
    kept = ~marks.abnormal if cases == "normal" else np.ones(marks.cases, dtype=np.bool_)
    if not kept.any():
        raise ValueError(
            "every case holds a lesion: false marks of normal cases do not exist; take cases='all'"
        )
    counts = np.bincount(marks.false_case, minlength=marks.cases).astype(np.float64)
    return mean_ci(counts[kept], cluster=_owner(marks, cluster)[kept], confidence=confidence, seed=seed)


def _owner(marks: Marks, cluster: ArrayLike | None) -> np.ndarray:
    codes = as_groups(cluster, marks.cases)
    if codes is None:
        return np.arange(marks.cases)
    same_length(marks.cases, codes, "cluster")
    return codes
