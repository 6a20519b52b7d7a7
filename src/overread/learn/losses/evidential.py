"""Evidential learning: the network gives evidence for each class, and none where it has seen nothing like it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.losses.shares import class_shares
from overread.learn.pooled import pooled_mean


def evidential(*, prior: float = 0.1) -> LossFunction:
    """``logits`` ``(b, classes)``, whose Dirichlet parameters are ``1 + softplus``, against ``label``: classes ``(b,)``
    or shares ``(b, classes)``.

    The expected cross-entropy under the Dirichlet distribution, and ``prior`` times the divergence of what speaks for
    wrong classes from no evidence (Sensoy, Kaplan and Kandemir, NeurIPS 2018, arXiv 1806.01768, eq. 4 and 5). The mean
    over the images of all processes. A package answers by the Dirichlet's mean, see
    `overread.runtime.uncertainty.heads.evidence`. Raises ValueError for a negative ``prior``.
    """
    if prior < 0:
        raise ValueError(f"prior: found {prior!r}, expected 0 or more")

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        alpha = 1 + softplus(full(outputs["logits"]))
        shares = class_shares(targets["label"], alpha.shape[1], dtype=alpha.dtype)
        total = alpha.sum(dim=1, keepdim=True)
        expected = (shares * (torch.digamma(total) - torch.digamma(alpha))).sum(dim=1)
        # Evidence for the true class is not held against the network.
        wrong = shares + (1 - shares) * alpha
        return pooled_mean((expected + prior * _from_nothing(wrong)).sum(), len(shares))

    return compute


def _from_nothing(alpha: Tensor) -> Tensor:
    """Kullback-Leibler divergence ``(b,)`` of Dirichlet distributions ``(b, classes)`` from the uniform one."""
    total = alpha.sum(dim=1, keepdim=True)
    classes = alpha.new_tensor(alpha.shape[1])
    return (
        torch.lgamma(total)[:, 0]
        - torch.lgamma(classes)
        - torch.lgamma(alpha).sum(dim=1)
        + ((alpha - 1) * (torch.digamma(alpha) - torch.digamma(total))).sum(dim=1)
    )


EVIDENTIAL = Loss(evidential, frozenset({"classes"}), "Sensoy 2018, arXiv 1806.01768")
