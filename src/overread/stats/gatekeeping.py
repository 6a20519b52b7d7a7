"""Several endpoints with an order of importance: graphs of hypotheses that pass their level on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_floats, as_probabilities, same_length

__all__ = ["GraphicalTest", "fallback", "fixed_sequence", "graphical", "serial_gatekeeping"]


@dataclass(frozen=True)
class GraphicalTest:
    """In the order given: ``p_value`` (n,), ``adjusted`` (n,), ``reject`` (n,), and the ``order`` of rejection."""

    p_value: Floats
    adjusted: Floats
    reject: Bools
    order: tuple[int, ...]
    alpha: float


def graphical(
    p: ArrayLike, *, weights: ArrayLike, transitions: ArrayLike, alpha: float = 0.05
) -> GraphicalTest:
    """Sequentially rejective test by a graph (Bretz, Maurer, Brannath and Posch, Stat Med 2009;28:586).

    ``weights`` (n,) share ``alpha`` among the hypotheses ``p`` (n,) at the start, summing to 1 at most; row i of
    ``transitions`` (n, n) tells to which others, in what shares, hypothesis i passes its level once it is rejected: 0
    on the diagonal, rows summing to 1 at most. Holm, fixed sequence, fallback and gatekeeping are such graphs. The
    chance of any false rejection is at most ``alpha`` under any dependence.

    Raises ValueError for NaN, wrong shapes, or shares that are negative or sum to more than 1.
    """
    values = as_probabilities(p, "p")
    w, g = as_floats(weights, "weights").copy(), as_floats(transitions, "transitions", 2).copy()
    n = len(values)
    same_length(n, w, "weights")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, expected a number between 0 and 1 such as 0.05")
    if g.shape != (n, n):
        raise ValueError(f"transitions has shape {g.shape}, expected ({n}, {n})")
    if (w < 0).any() or w.sum() > 1 + 1e-9 or (g < 0).any() or (g.sum(axis=1) > 1 + 1e-9).any():
        raise ValueError("weights and each row of transitions must be 0 or more and sum to 1 at most")
    if np.diag(g).any():
        raise ValueError("a hypothesis passes its level to others, not to itself: the diagonal must be 0")
    adjusted, before, order = np.ones(n), 0.0, []
    left = list(range(n))
    while left:
        # Without any share of alpha not even a p-value of 0 is tested.
        ratio = [values[i] / w[i] if w[i] > 0 else np.inf for i in left]
        best = left[int(np.argmin(ratio))]
        before = max(before, min(1.0, min(ratio)))
        adjusted[best] = before
        order.append(best)
        left.remove(best)
        w, g = _without(best, left, w, g)
    reject = adjusted <= alpha
    return GraphicalTest(values, adjusted, reject, tuple(i for i in order if reject[i]), alpha)


def fixed_sequence(p: ArrayLike, *, alpha: float = 0.05) -> GraphicalTest:
    """Test in the order given, each at the full level, until the first that fails (Maurer et al. 1995)."""
    n = np.size(p)
    return graphical(p, weights=np.eye(1, n)[0], transitions=np.eye(n, k=1), alpha=alpha)


def fallback(p: ArrayLike, *, weights: ArrayLike, alpha: float = 0.05) -> GraphicalTest:
    """Test in the order given, each at its own share and what those before it passed on.

    Wiens, Pharm Stat 2003;2:211; Wiens and Dmitrienko, J Biopharm Stat 2005;15:929.
    """
    return graphical(p, weights=weights, transitions=np.eye(np.size(p), k=1), alpha=alpha)


def serial_gatekeeping(families: Sequence[Sequence[float]], *, alpha: float = 0.05) -> list[GraphicalTest]:
    """Families of endpoints, such as primary and secondary: one is opened once all of that before it are rejected.

    Within a family Holm's test (Westfall and Krishen, J Stat Plan Inference 2001;99:25). Adjusted values of a family
    are never below the largest of that before it.

    Raises ValueError for an empty family or p-values outside 0 to 1.
    """
    found: list[GraphicalTest] = []
    floor = 0.0
    for i, family in enumerate(families):
        n = len(family)
        if not n:
            raise ValueError(f"family {i} is empty")
        passed = (np.ones((n, n)) - np.eye(n)) / max(1, n - 1)
        own = graphical(family, weights=np.full(n, 1 / n), transitions=passed, alpha=alpha)
        adjusted = np.maximum(own.adjusted, floor)
        reject = adjusted <= alpha
        order = tuple(j for j in own.order if reject[j])
        found.append(GraphicalTest(own.p_value, adjusted, reject, order, alpha))
        floor = float(adjusted.max())
    return found


def _without(gone: int, left: list[int], w: Floats, g: Floats) -> tuple[Floats, Floats]:
    """The graph once hypothesis ``gone`` is rejected (algorithm 1 of Bretz et al. 2009)."""
    weights, passed = w.copy(), np.zeros_like(g)
    for i in left:
        weights[i] = w[i] + w[gone] * g[gone, i]
        for j in left:
            loop = g[i, gone] * g[gone, i]
            if i != j and loop < 1:
                passed[i, j] = (g[i, j] + g[i, gone] * g[gone, j]) / (1 - loop)
    weights[gone] = 0.0
    return weights, passed
