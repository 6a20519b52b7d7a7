"""A linear head on features that stay as they are, solved for and not trained.

The convention of linear probes: features standardised on the training part, L-BFGS (Liu 1989, doi 10.1007/BF01589116),
the penalty swept by cross-validation inside the training part, whole patients at a time. What is minimised is the
plan's own loss, so that it is logistic regression for classes and findings, of conditional odds for grades, and ridge
regression for values; ``c`` means what it means in LIBLINEAR and scikit-learn: the loss summed over cases, ``c`` times,
beside half the squared weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from overread.learn.losses.protocol import LossFunction, Tensors
from overread.learn.pooled import alone
from overread.learn.transfer.features import Features

GRID = tuple(float(f"{10**e:.3g}") for e in np.arange(-4, 2.1, 0.5))
"""Of ``c``, from the strongest penalty to the weakest."""
FOLDS, FOLDS_OF_MANY, MANY = 5, 3, 1500
WORSE = 3
"""After so many values of ``c`` in a row that are worse than the best, weaker penalties are not tried."""
STEPS, ROUGH_STEPS = 200, 60
"""Of the solver: for the head that is kept, and where values of ``c`` are compared."""


@dataclass(frozen=True)
class Solution:
    """``weight`` ``(outputs, F)`` and ``bias`` ``(outputs,)`` for the features as they come from the body.

    ``c`` is the penalty chosen, ``losses`` the mean loss of the cases left out, for each value that was tried.
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    c: float
    losses: dict[float, float]


def solve_head(
    features: Features,
    *,
    loss: LossFunction,
    outputs: int,
    patients: Sequence[str],
    seed: int = 0,
    grid: Sequence[float] = GRID,
    advance: Callable[[], None] = lambda: None,
) -> Solution:
    """The head of least penalised ``loss``; ``patients`` has a name for each case, and no fold parts those of one.

    With fewer than four patients there is nothing to choose by: ``c`` is then the middle of the ``grid``.
    ``advance`` is called for each value of ``c`` tried.
    """
    n, views, width = features.x.shape
    rows = features.x.reshape(n * views, width).astype(np.float64)
    mean, std = rows.mean(0), rows.std(0)
    std[std < 1e-6 * max(1.0, float(std.max()))] = np.inf  # what never changes says nothing
    rows = (rows - mean) / std
    rotation = None
    if n * views < width:
        # The penalty does not see rotations: as many axes as there are rows hold the same solution.
        u, s, rotation = np.linalg.svd(rows, full_matrices=False)
        rows = u * s
    z = torch.from_numpy(rows.reshape(n, views, -1))
    problem = _Problem(z, features.targets, loss, outputs)
    everything = np.arange(n)
    folds = _folds(features.targets, patients, seed=seed)
    losses: dict[float, float] = {}
    starts: list[NDArray[np.float64] | None] = [None] * len(folds)
    worse = 0
    for c in sorted(grid) if folds else []:
        held = 0.0
        for k, fold in enumerate(folds):
            inside = np.setdiff1d(everything, fold)
            starts[k] = problem.solve(inside, c, start=starts[k], rough=True)
            held += problem.held_out(starts[k], fold) * len(fold) / n
        losses[c] = held
        worse = worse + 1 if held > min(losses.values()) else 0
        advance()
        if worse >= WORSE:
            break
    best = min(losses, key=lambda c: losses[c]) if losses else sorted(grid)[len(grid) // 2]
    solved = problem.solve(everything, best, start=None).reshape(outputs, -1)
    weight, bias = solved[:, :-1], solved[:, -1]
    if rotation is not None:
        weight = weight @ rotation
    weight = weight / std
    return Solution(weight, bias - weight @ mean, best, losses)


class _Problem:
    """The penalised loss of a linear head, on any of the cases."""

    def __init__(self, z: Tensor, targets: Tensors, loss: LossFunction, outputs: int) -> None:
        self.z, self.loss, self.outputs = z, loss, outputs
        self.views = z.shape[1]
        self.targets = {k: v.double() if v.is_floating_point() else v for k, v in targets.items()}

    def _loss(self, w: Tensor, chosen: Tensor, views: int) -> Tensor:
        x = self.z[chosen, :views].reshape(len(chosen) * views, -1)
        logits = x @ w[:, :-1].T + w[:, -1]
        targets = {k: v[chosen].repeat_interleave(views, 0) for k, v in self.targets.items()}
        with alone():
            return self.loss({"logits": logits}, targets)

    def solve(
        self,
        chosen: NDArray[np.intp],
        c: float,
        *,
        start: NDArray[np.float64] | None,
        rough: bool = False,
    ) -> NDArray[np.float64]:
        size = self.outputs * (self.z.shape[2] + 1)
        cases = torch.from_numpy(chosen)

        def value(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            w = torch.tensor(flat.reshape(self.outputs, -1), requires_grad=True)
            total = self._loss(w, cases, self.views) + w[:, :-1].square().sum() / (2 * c * len(chosen))
            total.backward()
            assert w.grad is not None
            return float(total.detach()), w.grad.numpy().reshape(-1)

        begin = np.zeros(size) if start is None else start
        how = {"maxiter": ROUGH_STEPS, "ftol": 1e-5} if rough else {"maxiter": STEPS, "ftol": 1e-9}
        found = minimize(value, begin, jac=True, method="L-BFGS-B", options={"maxcor": 20, **how})
        return np.asarray(found.x, np.float64)

    @torch.no_grad()
    def held_out(self, flat: NDArray[np.float64] | None, chosen: NDArray[np.intp]) -> float:
        assert flat is not None
        w = torch.from_numpy(flat.reshape(self.outputs, -1))
        return float(self._loss(w, torch.from_numpy(chosen), 1))


def _folds(targets: Tensors, patients: Sequence[str], *, seed: int) -> list[NDArray[np.intp]]:
    """Cases of each fold: patients of like targets are dealt out in turn; none where there are too few patients."""
    names, group = np.unique(np.asarray(patients), return_inverse=True)
    count = min(FOLDS if len(group) <= MANY else FOLDS_OF_MANY, len(names) // 2)
    if count < 2:
        return []
    first = next(iter(targets.values())).double().nan_to_num().reshape(len(group), -1)
    alike = (first @ torch.arange(1, first.shape[1] + 1, dtype=torch.float64)).numpy()
    of_patient = np.array([alike[group == g].max() for g in range(len(names))])
    order = np.lexsort((np.random.default_rng(seed).permutation(len(names)), of_patient))
    fold = np.empty(len(names), np.intp)
    fold[order] = np.arange(len(names)) % count
    return [np.flatnonzero(fold[group] == k) for k in range(count)]
