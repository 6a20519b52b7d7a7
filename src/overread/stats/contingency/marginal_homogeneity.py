"""Stuart-Maxwell: do two readers use several categories equally often?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from overread.stats.arrays import Floats, as_counts


@dataclass(frozen=True)
class MarginalHomogeneityTest:
    """Chi-square ``statistic`` of ``df`` degrees of freedom; ``differences`` (k,) are row less column shares."""

    statistic: float
    df: int
    p_value: float
    differences: Floats
    method: str = "Stuart-Maxwell"


def stuart_maxwell(table: ArrayLike) -> MarginalHomogeneityTest:
    """Test that rows and columns of a square table (k, k) of paired counts have the same margins.

    Stuart, Biometrika 1955;42:412; Maxwell, Br J Psychiatry 1970;116:651. For two categories it is McNemar's
    chi-square without continuity correction. A category in which both agree on every case (or that neither uses)
    tells nothing and costs no degree of freedom.

    Raises ValueError for counts that are negative or not whole, or a table that is not square.
    """
    counts = as_counts(table)
    k = len(counts)
    if counts.shape != (k, k) or k < 2:
        raise ValueError(f"table has shape {counts.shape}, expected (k, k), two categories or more")
    row, column = counts.sum(axis=1), counts.sum(axis=0)
    covariance = -(counts + counts.T).astype(np.float64)
    np.fill_diagonal(covariance, row + column - 2 * np.diag(counts))
    differences = (row - column).astype(np.float64)
    telling = np.diag(covariance) > 0
    rank = int(np.linalg.matrix_rank(covariance[np.ix_(telling, telling)])) if telling.any() else 0
    # The differences sum to 0 within each group of categories that are ever confused: the pseudo-inverse leaves
    # out what is not free.
    statistic = float(differences @ np.linalg.pinv(covariance, hermitian=True) @ differences)
    p_value = float(chdtrc(rank, statistic)) if rank else 1.0
    return MarginalHomogeneityTest(statistic, rank, p_value, differences / counts.sum())
