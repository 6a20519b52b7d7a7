"""What successive versions of a model learnt, had to learn, and retained under a change-control plan.

Measures of the FDA's VIGILANT (Burgon et al., Learning, Potential, and Retention, arXiv 2604.04878) from the
score of every model version on every evaluation data set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_floats

__all__ = ["UpdateMeasures", "learning", "potential", "retention", "update_measures"]

Scores = ArrayLike | Mapping[Any, Sequence[float]]


@dataclass(frozen=True)
class UpdateMeasures:
    """Of one version (from the second on): its learning, potential and retention.

    ``learning``: gain over the version before on the current data. ``potential``: what the version before
    lost by the change of data. ``retention``: its score on earlier data, recent ones weighing more.
    """

    version: Any
    learning: float
    potential: float
    retention: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def learning(scores: Scores) -> dict[Any, float]:
    """S(M_k | D_k) - S(M_k-1 | D_k) of each version k from the second on.

    ``scores`` (v, v): rows are the model versions, columns the data sets in the same order; or a mapping from
    version to its row. Higher scores are better.
    """
    names, s = _matrix(scores)
    return {names[k]: float(s[k, k] - s[k - 1, k]) for k in range(1, len(s))}


def potential(scores: Scores) -> dict[Any, float]:
    """S(M_k-1 | D_k-1) - S(M_k-1 | D_k): how much the new data ask of the version before."""
    names, s = _matrix(scores)
    return {names[k]: float(s[k - 1, k - 1] - s[k - 1, k]) for k in range(1, len(s))}


def retention(scores: Scores, *, decay: float = 0.5) -> dict[Any, float]:
    """Weighted mean of S(M_k | D_j) over the earlier data sets j < k.

    Weights exp(-decay (k - 1 - j)), scaled to add up to 1; ``decay`` 0 weighs all alike.
    """
    if not (np.isfinite(decay) and decay >= 0):
        raise ValueError(f"decay is {decay}, expected 0 or more")
    names, s = _matrix(scores)
    found = {}
    for k in range(1, len(s)):
        weights = np.exp(-decay * np.arange(k - 1, -1, -1.0))
        found[names[k]] = float(s[k, :k] @ weights / weights.sum())
    return found


def update_measures(scores: Scores, *, decay: float = 0.5) -> tuple[UpdateMeasures, ...]:
    """Learning, potential and retention of each version from the second on."""
    learnt, asked, kept = learning(scores), potential(scores), retention(scores, decay=decay)
    return tuple(UpdateMeasures(name, learnt[name], asked[name], kept[name]) for name in learnt)


def _matrix(scores: Scores) -> tuple[list[Any], Floats]:
    if isinstance(scores, Mapping):
        names, rows = list(scores), list(scores.values())
        if len({len(row) for row in rows}) > 1:
            raise ValueError("scores has rows of different lengths, expected one score per data set in each")
        s = as_floats(rows, "scores", ndim=2)
    else:
        s = as_floats(scores, "scores", ndim=2)
        names = list(range(1, len(s) + 1))
    if s.shape[0] != s.shape[1] or len(s) < 2:
        raise ValueError(
            f"scores has shape {s.shape}, expected (v, v) with v of 2 or more: each version on each data set"
        )
    return names, s
