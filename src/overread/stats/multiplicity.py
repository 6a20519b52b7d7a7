"""Adjusting p-values where several hypotheses are tested at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_probabilities

__all__ = [
    "AdjustedPValues",
    "Method",
    "adjust",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "bonferroni",
    "hochberg",
    "holm",
    "hommel",
]

Method = Literal["bonferroni", "holm", "hochberg", "hommel", "benjamini-hochberg", "benjamini-yekutieli"]


@dataclass(frozen=True)
class AdjustedPValues:
    """In the order given: ``p_value`` (n,), ``adjusted`` (n,), and ``reject`` (n,), adjusted <= ``alpha``."""

    p_value: Floats
    adjusted: Floats
    reject: Bools
    alpha: float
    method: str


def adjust(p: ArrayLike, *, method: Method = "holm", alpha: float = 0.05) -> AdjustedPValues:
    """Adjusted p-values of ``p`` (n,), in its order.

    ``bonferroni``, ``holm``, ``hochberg``, ``hommel`` bound the chance of any false rejection (the last two: for
    independent or positively dependent tests); ``benjamini-hochberg`` (same condition) and ``benjamini-yekutieli``
    (any dependence) bound the expected share of false ones among the rejections.

    Raises ValueError for NaN, values outside 0 to 1, or an unknown method.
    """
    values = as_probabilities(p, "p")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, expected a number between 0 and 1 such as 0.05")
    n = len(values)
    order = np.argsort(values, kind="stable")
    rank = np.arange(1, n + 1)
    ranked = values[order]
    if method == "bonferroni":
        steps = n * ranked
    elif method == "holm":
        steps = np.maximum.accumulate((n - rank + 1) * ranked)
    elif method == "hochberg":
        steps = _from_the_largest((n - rank + 1) * ranked)
    elif method == "hommel":
        steps = _hommel(ranked)
    elif method == "benjamini-hochberg":
        steps = _from_the_largest(n / rank * ranked)
    elif method == "benjamini-yekutieli":
        steps = _from_the_largest(np.sum(1 / rank) * n / rank * ranked)
    else:
        raise ValueError(
            f"method is {method!r}, expected 'bonferroni', 'holm', 'hochberg', 'hommel', "
            "'benjamini-hochberg' or 'benjamini-yekutieli'"
        )
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(steps, 1.0)
    return AdjustedPValues(values, adjusted, adjusted <= alpha, alpha, method)


def bonferroni(p: ArrayLike, *, alpha: float = 0.05) -> AdjustedPValues:
    """n times each p-value (Dunn, J Am Stat Assoc 1961;56:52)."""
    return adjust(p, method="bonferroni", alpha=alpha)


def holm(p: ArrayLike, *, alpha: float = 0.05) -> AdjustedPValues:
    """Step-down Bonferroni (Holm, Scand J Stat 1979;6:65): never less powerful than ``bonferroni``."""
    return adjust(p, method="holm", alpha=alpha)


def hochberg(p: ArrayLike, *, alpha: float = 0.05) -> AdjustedPValues:
    """Step-up Bonferroni (Hochberg, Biometrika 1988;75:800), for independent or positively dependent tests."""
    return adjust(p, method="hochberg", alpha=alpha)


def hommel(p: ArrayLike, *, alpha: float = 0.05) -> AdjustedPValues:
    """Closed test of Simes' (Hommel, Biometrika 1988;75:383), under hochberg's condition and never less powerful."""
    return adjust(p, method="hommel", alpha=alpha)


def benjamini_hochberg(p: ArrayLike, *, alpha: float = 0.05) -> AdjustedPValues:
    """False discovery rate (Benjamini and Hochberg, J R Stat Soc B 1995;57:289)."""
    return adjust(p, method="benjamini-hochberg", alpha=alpha)


def benjamini_yekutieli(p: ArrayLike, *, alpha: float = 0.05) -> AdjustedPValues:
    """False discovery rate under any dependence (Benjamini and Yekutieli, Ann Stat 2001;29:1165)."""
    return adjust(p, method="benjamini-yekutieli", alpha=alpha)


def _hommel(ranked: Floats) -> Floats:
    """Adjusted values of rising p by the algorithm of Wright (Biometrics 1992;48:1005, appendix)."""
    n = len(ranked)
    rank = np.arange(1, n + 1)
    steps = np.full(n, float((n * ranked / rank).min()))
    for m in range(n - 1, 1, -1):
        larger = np.arange(n - m + 1, n)
        smallest = float((m * ranked[larger] / np.arange(2, m + 1)).min())
        tried = np.minimum(m * ranked, smallest)
        tried[larger] = tried[n - m]
        steps = np.maximum(steps, tried)
    adjusted: Floats = np.maximum(steps, ranked)
    return adjusted


def _from_the_largest(steps: Floats) -> Floats:
    """No value above one of a larger p."""
    lowered: Floats = np.minimum.accumulate(steps[::-1])[::-1]
    return lowered
