"""Cochran's Q: do several tests, or readers, of the same cases say yes equally often?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from overread.stats.arrays import as_floats


@dataclass(frozen=True)
class CochranQTest:
    """Chi-square ``statistic`` of ``df`` degrees of freedom; ``cases`` told the tests apart."""

    statistic: float
    df: int
    p_value: float
    cases: int
    method: str = "Cochran's Q"


def cochran_q(answers: ArrayLike) -> CochranQTest:
    """Test that k tests of the same cases have the same share of 1 (Cochran, Biometrika 1950;37:256).

    ``answers`` (n, k) of 0 and 1: a row is a case, a column a test. With two tests it is McNemar's chi-square without
    continuity correction. Cases that all tests answer alike play no part; where none is left, Q is 0 and p is 1.
    The chi-square holds from some 24 answers of cases that tell the tests apart (Tate and Brown, J Am Stat Assoc
    1970;65:155).

    Raises ValueError for values other than 0 and 1, fewer than two tests, NaN.
    """
    table = as_floats(answers, "answers", 2)
    if not np.isin(table, (0, 1)).all():
        raise ValueError("answers holds values other than 0 and 1")
    k = table.shape[1]
    if k < 2:
        raise ValueError(f"answers has {k} column, expected one of each test, two or more")
    of_case, of_test = table.sum(axis=1), table.sum(axis=0)
    telling = int(np.count_nonzero((of_case > 0) & (of_case < k)))
    below = float(np.sum(of_case * (k - of_case)))
    q = float((k - 1) * (k * np.sum(of_test**2) - of_test.sum() ** 2) / below) if below else 0.0
    return CochranQTest(q, k - 1, float(chdtrc(k - 1, q)), telling)
