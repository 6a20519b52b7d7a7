"""Checked labels and probabilities, their bins, and their logits."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit

from overread.stats.arrays import (
    Bools,
    Floats,
    Ints,
    as_binary,
    as_classes,
    as_count,
    as_probabilities,
    as_weights,
    same_length,
)

Binning = Literal["equal-width", "equal-mass", "quantile"]
CLIP = 1e-15  # a probability of exactly 0 or 1 has no logit


def binary(y: ArrayLike, p: ArrayLike, *, both: bool = False) -> tuple[Bools, Floats]:
    """Labels (n,) and as many probabilities of class 1."""
    labels, probabilities = as_binary(y, both=both), as_probabilities(p)
    same_length(len(labels), probabilities, "p")
    return labels, probabilities


def classes(y: ArrayLike, p: ArrayLike) -> tuple[Ints, Floats]:
    """Class indices (n,) and probabilities (n, k)."""
    matrix = as_probabilities(p, ndim=2)
    truth = as_classes(y, classes=matrix.shape[1])
    same_length(len(truth), matrix, "p")
    return truth, matrix


def case_weights(weights: ArrayLike | None, n: int) -> Floats:
    """Weights (n,) of 0 or more, not all 0; ones for None."""
    w = as_weights(weights, n)
    return np.ones(n) if w is None else w


def clipped_logit(p: Floats) -> Floats:
    """Logits of probabilities kept 1e-15 away from 0 and 1."""
    logits: Floats = logit(np.clip(p, CLIP, 1 - CLIP))
    return logits


def bin_edges(p: Floats, bins: int, binning: Binning) -> Floats:
    """Edges of bins (low, high].

    ``equal-width``: of one width. ``equal-mass``: inner edges at the quantiles of ``p`` (linear
    interpolation), equal edges merged, and 0 and 1 at the ends. ``quantile``: the smallest and largest
    probability at the ends, so that a case at the very smallest lies in no bin, as in the FDA's calzone.
    """
    bins = as_count(bins, "bins", least=1)
    if binning == "equal-width":
        return np.arange(bins + 1) / bins
    if binning not in ("equal-mass", "quantile"):
        raise ValueError(f"binning is {binning!r}, expected 'equal-width', 'equal-mass' or 'quantile'")
    # Ranks in whole numbers: a quantile that is a case's own probability must not miss it by rounding.
    ranked = np.sort(p)
    rank, part = np.divmod((len(p) - 1) * np.arange(bins + 1), bins)
    after = np.minimum(rank + 1, len(p) - 1)
    edges = ranked[rank] + (ranked[after] - ranked[rank]) * (part / bins)
    if binning == "quantile":
        edges = np.unique(edges)
        if len(edges) < 2:
            raise ValueError(
                "p is constant: binning 'quantile' has no bin; use 'equal-mass' or 'equal-width'"
            )
        return edges
    inner = np.unique(edges[1:-1])
    return np.concatenate([[0.0], inner[inner < 1], [1.0]])


def bin_of(p: Floats, edges: Floats, binning: Binning) -> Ints:
    """Bin of each probability; 0 lies in the first, except that with ``quantile`` the smallest is in -1."""
    lowest = 0 if binning == "quantile" else 1
    return np.searchsorted(edges[lowest:-1], p, side="left").astype(np.int64) - 1 + lowest
