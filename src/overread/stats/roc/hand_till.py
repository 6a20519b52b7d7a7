"""Hand and Till's area for several classes: how well each pair of classes is told apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import as_classes, as_floats, as_groups, check_confidence, same_length, unit_count
from overread.stats.interval import Interval
from overread.stats.roc.limits import area_limits
from overread.stats.roc.placements import placements


def hand_till(
    y: ArrayLike, p: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95
) -> Interval:
    """Mean area over all pairs of classes (Hand and Till, Mach Learn 2001;45:171), free of the class sizes.

    ``y`` (n,) class indices, ``p`` (n, k) scores of each class. Of two classes i and j, the cases of both are ranked
    by the score of i and by that of j, and the two areas averaged; for k = 2 it is the ordinary area. Limits on the
    logit scale; the variance is DeLong's, from the placement values of each case summed over its pairs (and over its
    ``cluster`` (n,)).

    Raises ValueError for NaN, wrong shapes, a class without a case, or fewer than two clusters.
    """
    check_confidence(confidence)
    scores = as_floats(p, "p", 2)
    k = scores.shape[1]
    t = as_classes(y, "y", classes=k)
    same_length(len(t), scores, "p")
    codes = as_groups(cluster, len(t))
    missing = np.setdiff1d(np.arange(k), t)
    if k < 2 or len(missing):
        what = f"no case of class {int(missing[0])}" if len(missing) else f"p has {k} column"
        raise ValueError(f"{what}; expected two classes or more, each with cases")
    influence, total = np.zeros(len(t)), 0.0
    pairs = [(i, j) for i in range(k) for j in range(i)]
    for i, j in pairs:
        both = np.flatnonzero((t == i) | (t == j))
        for of, other in ((i, j), (j, i)):
            labels = t[both] == of
            area, value = placements(labels, scores[both, of])
            total += area
            sizes = np.where(labels, labels.sum(), (t[both] == other).sum())
            influence[both] += (value - area) / sizes
    share = 1 / (2 * len(pairs))
    area = total * share
    sums = influence * share if codes is None else np.bincount(codes, influence * share)
    units = unit_count(codes, len(t))
    if units < 2:
        raise ValueError("one case (or one cluster) has no interval; expected two or more")
    variance = (
        _variance(influence * share, t) if codes is None else float(units / (units - 1) * np.sum(sums**2))
    )
    sizes = (
        np.sort(np.bincount(t))
        if codes is None
        else np.sort([len(np.unique(codes[t == c])) for c in range(k)])
    )
    name = "Hand-Till, DeLong" if codes is None else "Hand-Till, clusters"
    return area_limits(
        area, variance, float(sizes[0]), float(sizes[1:].sum()), confidence, "logit", name, units
    )


def _variance(influence: np.ndarray, t: np.ndarray) -> float:
    """Sum over classes of m / (m - 1) times the squares: for two classes exactly DeLong's variance."""
    found = 0.0
    for c in np.unique(t):
        mine = influence[t == c]
        found += float(np.sum(mine**2)) * (len(mine) / (len(mine) - 1) if len(mine) > 1 else 1.0)
    return found
