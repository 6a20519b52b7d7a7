"""Posteriors of a network's last layer from the features of its training cases: Laplace, and resampled heads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from overread.runtime.uncertainty.pool import Pool

Floats = NDArray[np.float64]
HEADS = 10
MOST_STEPS = 200


def laplace(
    features: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], pool: Pool
) -> dict[str, Floats]:
    """Inverse factors of the posterior of ``weight (k, F)`` and ``bias (k,)``, as `ARRAYS` of a package.

    The Hessian of the log loss over ``features (n, F)`` is taken as the Kronecker product of the features' second
    moments and the mean Hessian of the outputs (Ritter 2018; exact for one case). The precision of the prior is the one
    with the largest evidence (MacKay 1992; Daxberger 2021, arXiv 2106.14806): neither truths nor tuning cases decide
    it.
    """
    x = np.concatenate([np.asarray(features, np.float64), np.ones((len(features), 1))], axis=1)
    theta = np.concatenate([weight, bias[:, None]], axis=1).astype(np.float64)
    a = x.T @ x
    g = output_hessian(x @ theta.T, pool)
    a_values, a_turn = np.linalg.eigh(a)
    g_values, g_turn = np.linalg.eigh(g)
    a_values, g_values = np.maximum(a_values, 0), np.maximum(g_values, 0)
    size = float((theta**2).sum())

    def minus_evidence(log_precision: float) -> float:
        precision = np.exp(log_precision)
        curvature = np.log(np.outer(g_values, a_values) + precision).sum()
        return float(0.5 * (curvature + precision * size - theta.size * log_precision))

    found = minimize_scalar(minus_evidence, bounds=(-10.0, 15.0), method="bounded").x
    # The prior's precision is shared between both factors by their size (Ritter 2018, eq. 10).
    root = np.exp(0.5 * float(found))
    share = np.sqrt((a_values.mean() + 1e-12) / (g_values.mean() + 1e-12))
    inverse_a = (a_turn / (a_values + root * share)) @ a_turn.T
    inverse_g = (g_turn / (g_values + root / share)) @ g_turn.T
    return {"laplace_features": inverse_a, "laplace_outputs": inverse_g}


def output_hessian(z: Floats, pool: Pool) -> Floats:
    """Mean Hessian ``(k, k)`` of the log loss by the logits ``z (n, k)``: ``diag(p) - p p^T`` over each group of
    outcomes that exclude each other, ``p (1 - p)`` of findings that do not. Raises ValueError for other outputs."""
    p = pool.probability(z)
    if _exclude(p, z.shape[1]):
        q = p[:, 0]
        return np.diag(q.mean(axis=0)) - q.T @ q / len(q)
    return np.diag((p[..., 0] * p[..., 1]).mean(axis=0))


def _exclude(p: Floats, outputs: int) -> bool:
    """Whether ``outputs`` stand for outcomes of which one is true, or each for a finding of its own.

    Raises ValueError where they are neither, as conditional probabilities of grades.
    """
    groups, outcomes = p.shape[-2:]
    if (groups, outcomes) == (1, outputs):
        return True
    if (groups, outcomes) == (outputs, 2):
        return False
    raise ValueError(
        f"found {outputs} outputs for {groups} x {outcomes} outcomes: their last layer has no known form"
    )


def resampled_heads(
    features: NDArray[Any],
    truth: Floats,
    patients: NDArray[Any],
    weight: NDArray[Any],
    bias: NDArray[Any],
    pool: Pool,
    *,
    heads: int = HEADS,
    seed: int = 0,
) -> dict[str, Floats]:
    """``heads`` last layers, each fitted on patients drawn with replacement, starting from the network's own.

    ``truth (n, groups)`` are outcomes, NaN where not stated. A ridge towards the network's own layer, as strong as its
    weights are small, keeps few cases from running away. Raises ValueError as `output_hessian`.
    """
    x = np.concatenate([np.asarray(features, np.float64), np.ones((len(features), 1))], axis=1)
    own = np.concatenate([weight, bias[:, None]], axis=1).astype(np.float64)
    names, who = np.unique(patients, return_inverse=True)
    generator = np.random.default_rng(seed)
    out = []
    for _ in range(heads):
        drawn = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        out.append(_head(x, truth, drawn[who].astype(np.float64), own, pool))
    every = np.stack(out)
    return {"heads_weight": every[:, :, :-1], "heads_bias": every[:, :, -1]}


def _head(x: Floats, truth: Floats, counts: Floats, own: Floats, pool: Pool) -> Floats:
    """The last layer with the least log loss over cases that count ``counts (n,)`` times."""
    known = np.isfinite(truth)
    index = np.where(known, truth, 0).astype(np.int64)
    ridge = 1.0 / max(float((own**2).mean()), 1e-6)
    exclude = _exclude(pool.probability(x[:1] @ own.T), len(own))

    def loss(flat: Floats) -> tuple[float, Floats]:
        theta = flat.reshape(own.shape)
        p = pool.probability(x @ theta.T)
        right = np.take_along_axis(p, index[..., None], axis=-1)[..., 0]
        value = -(np.log(np.maximum(right, 1e-12)) * known * counts[:, None]).sum()
        if exclude:
            miss = (p[:, 0] - np.eye(p.shape[-1])[index[:, 0]]) * known * counts[:, None]
        else:
            miss = (p[..., 1] - index) * known * counts[:, None]
        step = miss.T @ x + ridge * (theta - own)
        return float(value + 0.5 * ridge * ((theta - own) ** 2).sum()), step.ravel()

    options = {"maxiter": MOST_STEPS}
    found: Floats = minimize(loss, own.ravel(), jac=True, method="L-BFGS-B", options=options).x
    return found.reshape(own.shape)
