"""Weights of several networks, fixed on tuning cases: alike, unless others are better by more than their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from overread.runtime.uncertainty.pool import How, Pool

Floats = NDArray[np.float64]
FOLDS = 5
FEWEST = 20
"""Tuning patients below which every network counts alike."""
PULL = 1.0
"""Of the weights towards those of all alike, in cases: it keeps few cases from choosing one network alone."""
TINY = 1e-12


@dataclass(frozen=True)
class Weighted:
    """How the networks are combined, their weights ``(members,)``, and by how much that was better, with its error."""

    how: How
    weights: tuple[float, ...]
    reason: str


def choose_weights(
    logits: Floats, truth: Floats, pool: Pool, *, cluster: NDArray[Any] | None = None, how: How | None = None
) -> Weighted:
    """Of ``logits (n, members, outputs)`` with the outcomes ``truth (n, groups)``, NaN where nothing is stated.

    Without ``how`` the simplest is taken, ``average``, unless ``weighted`` or ``stacked`` has a smaller log loss on
    patients left out (five folds) by more than one standard error of the difference (Breiman 1984, 3.4.3). Each is
    compared at its best temperature, as calibration follows.
    """
    n, members, _ = logits.shape
    alike = tuple([1.0] * members)
    who = np.unique(np.arange(n) if cluster is None else cluster, return_inverse=True)[1]
    units = int(who.max()) + 1
    if how is not None:
        return Weighted(how, alike if how == "average" else _fit(logits, truth, pool, how)[0], "as asked")
    if units < FEWEST:
        return Weighted(
            "average", alike, f"{units} tuning patients, expected {FEWEST} to weigh networks with"
        )
    folds = np.random.default_rng(0).permutation(units)[who] % FOLDS
    best = Weighted("average", alike, "no other weights were better beyond their noise on patients left out")
    gain_so_far = 0.0
    losses: dict[How, Floats] = {how: np.zeros(n) for how in ("average", "weighted", "stacked")}
    for one, loss in losses.items():
        for fold in range(FOLDS):
            out = folds == fold
            weights, temperature = _fit(logits[~out], truth[~out], pool, one)
            loss[out] = loss_of(logits[out], truth[out], pool, weights, one, temperature=temperature)
    plain = losses.pop("average")
    for one, loss in losses.items():
        gain = np.bincount(who, plain - loss) / np.bincount(who)
        error = float(gain.std(ddof=1)) / np.sqrt(units)
        if gain.mean() > error and gain.mean() > gain_so_far:
            gain_so_far = float(gain.mean())
            reason = (
                f"log loss smaller by {gain_so_far:.3g} (standard error {error:.2g}) on patients left out"
            )
            best = Weighted(one, _fit(logits, truth, pool, one)[0], reason)
    return best


def loss_of(
    logits: Floats,
    truth: Floats,
    pool: Pool,
    weights: Sequence[float],
    how: How,
    *,
    temperature: float = 1.0,
) -> Floats:
    """Log loss of each case ``(n,)``: mean over what is stated, 0 where nothing is."""
    w = np.array(weights, np.float64)
    p = pool.probability(logits)
    if how == "stacked":
        mixed = np.asarray(softmax(np.einsum("m,nmgo->ngo", w, np.log(np.maximum(p, TINY))), axis=-1))
    else:
        mixed = np.einsum("m,nmgo->ngo", w / w.sum(), p)
        if temperature != 1:
            mixed = np.asarray(softmax(np.log(np.maximum(mixed, TINY)) / temperature, axis=-1))
    known = np.isfinite(truth)
    index = np.where(known, truth, 0).astype(np.int64)
    right = np.take_along_axis(mixed, index[..., None], axis=-1)[..., 0]
    lost: Floats = (-np.log(np.maximum(right, TINY)) * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return lost


def _fit(logits: Floats, truth: Floats, pool: Pool, how: How) -> tuple[tuple[float, ...], float]:
    """Weights and temperature with the least log loss: shares that sum to 1 (``weighted``), any from 0 on
    (``stacked``, whose temperature is in them), or alike (``average``)."""
    n, members, _ = logits.shape
    alike = np.ones(members)

    def parted(x: Floats) -> tuple[Floats, float]:
        if how == "stacked":
            return np.exp(x), 1.0
        weights = alike if how == "average" else np.asarray(softmax(x[:-1]), np.float64)
        return weights, float(np.exp(x[-1]))

    start = np.full(members, -np.log(members)) if how == "stacked" else np.zeros(members + 1)
    if how == "average":
        start = np.zeros(1)

    def loss(x: Floats) -> float:
        pull = PULL / n * float(((x - start) ** 2).mean())
        weights, temperature = parted(x)
        found = loss_of(logits, truth, pool, list(weights), how, temperature=temperature)
        value: float = float(found.mean()) + pull
        return value

    found = minimize(loss, start, method="L-BFGS-B", bounds=[(-8, 3)] * len(start)).x
    weights, temperature = parted(found)
    return tuple(float(w) for w in weights), temperature
