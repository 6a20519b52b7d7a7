"""STAPLE: what several readers most probably saw, and how well each of them sees it, estimated together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, Ints

SURE = 0.99999
"""With what probability every reader is taken to be right at the start (Warfield 2004, section II-D)."""
MISSING = -1


@dataclass(frozen=True)
class Staple:
    """What `staple` found.

    ``probability`` (units, categories): of each unit, that a category is the true one. ``decided`` (units,): the most
    probable. ``readers`` (readers, categories, categories): how often a reader says the column's category where the
    row's is true; its diagonal is, of two categories, specificity and sensitivity. ``prior`` (categories,).
    """

    probability: Floats
    decided: Ints
    readers: Floats
    prior: Floats
    rounds: int
    converged: bool


def staple(
    ratings: ArrayLike,
    *,
    categories: int,
    prior: ArrayLike | None = None,
    tolerance: float = 1e-7,
    most_rounds: int = 1000,
) -> Staple:
    """Estimate the truth of ``ratings`` (units, readers), and each reader's performance, by expectation maximisation.

    Units are voxels or cases; a rating is 0 to ``categories`` - 1, or -1 where a reader did not rate. ``prior``
    (categories,): how frequent each category is; without it, among all ratings. Ties go to the lower category.
    Warfield, Zou and Wells, IEEE Trans Med Imaging 2004;23:903, for one unit after another without neighbours; as
    Dawid and Skene, Appl Stat 1979;28:20, save that the prior stays fixed. It supposes that readers err independently
    of one another: errors that all share are taken for the truth. With two readers who differ, which of them is right
    rests on the prior alone.

    Raises ValueError for fewer than two readers or categories, ratings that are no categories, a unit that nobody
    rated, or a prior that is none.
    """
    table = np.asarray(ratings)
    if table.ndim != 2 or table.shape[1] < 2 or not len(table):
        raise ValueError(f"ratings: found shape {table.shape}, expected units by two or more readers")
    if categories < 2:
        raise ValueError(f"categories: found {categories}, expected two or more")
    whole = table.astype(np.int64)
    if np.any(whole != table) or whole.min() < MISSING or whole.max() >= categories:
        raise ValueError(f"ratings: expected whole numbers from 0 to {categories - 1}, or {MISSING} for none")
    if np.any(np.all(whole == MISSING, axis=1)):
        raise ValueError("ratings: found a unit that nobody rated; leave it out")
    # Voxels mostly repeat a few combinations of ratings, each of which needs to be weighed once.
    patterns, where, times = np.unique(whole, axis=0, return_inverse=True, return_counts=True)
    given = patterns != MISSING
    share = _prior(prior, patterns, times, categories)
    said = np.arange(categories) == patterns[:, :, None]
    tables = np.full((patterns.shape[1], categories, categories), (1 - SURE) / (categories - 1))
    tables[:, range(categories), range(categories)] = SURE
    weights, rounds, converged = _expected(patterns, given, share, tables), 0, False
    while rounds < most_rounds and not converged:
        rounds += 1
        weighed = weights * times[:, None]
        counts = np.einsum("us,urc->rsc", weighed, said)
        total = counts.sum(axis=2, keepdims=True)
        # Of a category that a reader never met, the table stays as it was.
        after = np.where(total > 0, counts / np.where(total > 0, total, 1), tables)
        converged = bool(np.abs(after - tables).max() < tolerance)
        tables = after
        weights = _expected(patterns, given, share, tables)
    index = where.reshape(-1)
    return Staple(weights[index], weights.argmax(axis=1)[index], tables, share, rounds, converged)


def _prior(prior: ArrayLike | None, patterns: Ints, times: Ints, categories: int) -> Floats:
    if prior is None:
        shown = np.repeat(times, patterns.shape[1]).reshape(patterns.shape)
        given = patterns != MISSING
        found = np.bincount(patterns[given], shown[given], minlength=categories)
        return np.asarray(found / found.sum(), np.float64)
    share = np.asarray(prior, np.float64)
    if share.shape != (categories,) or share.min() < 0 or not np.isclose(share.sum(), 1):
        raise ValueError(f"prior: found {prior}, expected {categories} shares that sum to 1")
    return share


def _expected(patterns: Ints, given: np.ndarray, share: Floats, tables: Floats) -> Floats:
    """The probability of each category for each pattern (patterns, categories), the readers' tables given."""
    # In logarithms: of many readers the product would reach 0.
    with np.errstate(divide="ignore"):
        logs, total = np.log(tables), np.tile(np.log(share), (len(patterns), 1))
    for r in range(patterns.shape[1]):
        rated = given[:, r]
        total[rated] += logs[r][:, patterns[rated, r]].T
    top = total.max(axis=1, keepdims=True)
    odds = np.exp(total - np.where(np.isfinite(top), top, 0))
    sums = odds.sum(axis=1, keepdims=True)
    # What no category can give (each reader certain of another) is left to the prior.
    return np.where(sums > 0, odds / np.where(sums > 0, sums, 1), share)
