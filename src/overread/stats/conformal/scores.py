"""Nonconformity scores of every class of every case: the larger, the stranger."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_floats, as_probabilities, same_length


def lac_scores(prob: ArrayLike) -> Floats:
    """1 - p of every class, (n, k) (Sadinle, Lei and Wasserman, J Am Stat Assoc 2019;114:223)."""
    return 1 - as_probabilities(prob, "prob", ndim=2)


def aps_scores(prob: ArrayLike, u: ArrayLike | None = None) -> Floats:
    """Probability of all classes at least as likely, (n, k) (Romano, Sesia and Candes, NeurIPS 2020).

    ``u`` (n,), uniform between 0 and 1, randomises: the class's own probability then counts u-fold, which
    makes coverage exact. None counts it fully. Of equal probabilities the earlier class goes first.
    """
    return raps_scores(prob, u, penalty=0.0)


def raps_scores(
    prob: ArrayLike, u: ArrayLike | None = None, *, penalty: float = 0.01, k_reg: int = 1
) -> Floats:
    """APS scores plus ``penalty`` for each class of a rank beyond ``k_reg``, (n, k).

    Angelopoulos, Bates, Malik and Jordan, ICLR 2021: the penalty (their lambda) keeps sets small where many
    classes share a little probability.

    Raises ValueError for a penalty or ``k_reg`` below 0.
    """
    p = as_probabilities(prob, "prob", ndim=2)
    if not penalty >= 0 or k_reg < 0:
        raise ValueError(f"penalty is {penalty} and k_reg is {k_reg}, expected 0 or more")
    order = np.argsort(-p, axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=1)
    share: Floats = np.ones(len(p))
    if u is not None:
        share = as_floats(u, "u")
        same_length(len(p), share, "u")
        if (share < 0).any() or (share > 1).any():
            raise ValueError(f"u ranges from {share.min():g} to {share.max():g}, expected 0 to 1")
    before = np.cumsum(ranked, axis=1) - ranked
    scored = before + share[:, None] * ranked + penalty * np.maximum(0, np.arange(1, p.shape[1] + 1) - k_reg)
    out = np.empty_like(p)
    np.put_along_axis(out, order, scored, axis=1)
    return out
