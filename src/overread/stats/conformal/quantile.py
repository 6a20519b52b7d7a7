"""The rank on which every split-conformal method rests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import as_floats, as_probabilities


def conformal_quantile(scores: ArrayLike, *, coverage: float = 0.9) -> float:
    """The ceil((n + 1) coverage)-th smallest of the calibration scores (n,); infinity where n is too small.

    A new exchangeable score is at most that with probability ``coverage`` or more, and at most coverage +
    1 / (n + 1) where scores have no ties (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World,
    2005; Lei et al., J Am Stat Assoc 2018;113:1094). That probability is over the calibration cases and the
    new one together.
    """
    values = as_floats(scores, "scores")
    check_coverage(coverage)
    # The product of n + 1 and a decimal fraction can lie a rounding error above a whole number.
    rank = int(np.ceil((len(values) + 1) * coverage - 1e-9))
    return float("inf") if rank > len(values) else float(np.partition(values, rank - 1)[rank - 1])


def conformal_lac_quantile(prob_true: ArrayLike, *, coverage: float = 0.9) -> float:
    """Threshold q of the least-ambiguous-set conformal classifier: predict every class with 1 - p <= q.

    ``prob_true`` (n,) is the probability given to the true class in calibration cases. The set then holds
    the true class with at least ``coverage``, over calibration and new case together, if these are
    exchangeable (Sadinle et al., J Am Stat Assoc 2019;114:223; finite-sample rank ceil((n + 1) coverage)).
    With too few cases for that coverage q is 1: every class.
    """
    p = as_probabilities(prob_true, "prob_true")
    return min(1.0, conformal_quantile(1 - p, coverage=coverage))


def check_coverage(coverage: float) -> None:
    """Raise ValueError unless ``coverage`` lies between 0 and 1."""
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage}, expected a number between 0 and 1 such as 0.9")
