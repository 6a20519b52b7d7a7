"""The log-rank test: do groups differ in survival?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from overread.stats.arrays import Floats, as_groups, group_count
from overread.stats.survival.observed import observed


@dataclass(frozen=True)
class LogRankTest:
    """Chi-square ``statistic`` of ``df``; ``seen`` and ``expected`` (k,) events of each group, in sorted order."""

    statistic: float
    df: int
    p_value: float
    seen: Floats
    expected: Floats
    method: str = "log-rank"


def log_rank(time: ArrayLike, event: ArrayLike, *, group: ArrayLike) -> LogRankTest:
    """Test that the groups (n,) have one curve (Mantel, Cancer Chemother Rep 1966;50:163; Peto 1972).

    ``time`` (n,) of follow-up, ``event`` (n,) seen (1) or not (0). Ties: hypergeometric variance.

    Raises ValueError for NaN, wrong shapes, no event or a single group.
    """
    t, e = observed(time, event)
    codes = as_groups(group, len(t), "group")
    assert codes is not None
    k = group_count(codes)
    if k < 2:
        raise ValueError("one group has nothing to differ from; expected two or more")
    member = np.eye(k)[codes]
    times = np.unique(t[e])
    at_risk = np.array([member[t >= s].sum(axis=0) for s in times])
    deaths = np.array([member[e & (t == s)].sum(axis=0) for s in times])
    n, d = at_risk.sum(axis=1), deaths.sum(axis=1)
    expected = at_risk * (d / n)[:, None]
    share = at_risk / n[:, None]
    weight = d * np.divide(n - d, n - 1, out=np.zeros(len(n)), where=n > 1)
    covariance = np.diag((weight[:, None] * share).sum(axis=0)) - (weight[:, None] * share).T @ share
    difference = (deaths - expected).sum(axis=0)
    statistic = float(difference @ np.linalg.pinv(covariance, hermitian=True) @ difference)
    p_value = float(chdtrc(k - 1, statistic))
    return LogRankTest(statistic, k - 1, p_value, deaths.sum(axis=0), expected.sum(axis=0))
