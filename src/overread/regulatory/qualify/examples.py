"""Worked examples with published answers, computed anew on this machine (operational qualification)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Example:
    """``compute`` must give ``expected`` within ``tolerance``; ``source`` is where it was published."""

    name: str
    source: str
    expected: float
    tolerance: float
    compute: Callable[[], float]


def _wilson() -> float:
    from overread.stats.intervals import proportion_ci

    return proportion_ci(81, 263, method="wilson").low


def _exact() -> float:
    from overread.stats.diagnostic import performance_goal_test

    return performance_goal_test(173, 198, goal=0.85).p_value


def _mcnemar() -> float:
    from overread.stats.diagnostic import mcnemar

    return mcnemar([[59, 6], [16, 80]], correction=False).p_value


def _kappa() -> float:
    from overread.stats.agreement import cohen_kappa

    first = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    second = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    return cohen_kappa(first, second).kappa.estimate


def _area() -> float:
    from overread.stats.roc import auc

    # Hanley and McNeil: five grades of 58 normal and 51 abnormal images.
    grades = np.arange(1, 6)
    score = np.concatenate([np.repeat(grades, [33, 6, 6, 11, 2]), np.repeat(grades, [3, 2, 2, 11, 33])])
    truth = np.repeat([0, 1], [58, 51])
    return auc(truth, score).estimate


def _dice() -> float:
    from overread.stats.segmentation import voxel_counts

    a, b = np.zeros((8, 8, 8), bool), np.zeros((8, 8, 8), bool)
    a[:4], b[2:6] = True, True
    return voxel_counts(a, b).dice


EXAMPLES = (
    Example(
        "Wilson's lower limit of 81 in 263", "Newcombe, Stat Med 1998;17:857, table I", 0.2553, 5e-5, _wilson
    ),
    Example("area of five grades", "Hanley and McNeil, Radiology 1982;143:29, table I", 0.893, 5e-4, _area),
    Example(
        "McNemar's test of 6 and 16 discordant pairs",
        "chi-square of one degree of freedom, 100/22",
        math.erfc(math.sqrt(100 / 22 / 2)),
        1e-9,
        _mcnemar,
    ),
    Example("Cohen's kappa of a two-by-two table", "Cohen 1960: (.70 - .50) / (1 - .50)", 0.4, 1e-9, _kappa),
    Example(
        "exact test of 173 in 198 against .85",
        "IDx-DR, De Novo DEN180001: sensitivity of the raw table",
        0.2035,
        5e-5,
        _exact,
    ),
    Example("Dice of two boxes that share half", "by hand: 2 * 128 / (256 + 256)", 0.5, 1e-12, _dice),
)
