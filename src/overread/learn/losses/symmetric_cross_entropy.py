"""Symmetric cross-entropy, which wrong labels pull less (Wang et al., ICCV 2019, arXiv 1908.06112)."""

from __future__ import annotations

import torch
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.losses.shares import class_shares
from overread.learn.pooled import pooled_mean

LOG_OF_ZERO = -4.0
"""The paper's A: what stands for the logarithm of a share of 0."""


def symmetric_cross_entropy(*, alpha: float = 0.1, beta: float = 1.0) -> LossFunction:
    """``logits`` ``(b, classes)`` against ``label``: classes ``(b,)``, or their shares ``(b, classes)``.

    ``alpha`` times cross-entropy plus ``beta`` times its reverse, in which label and answer change places: the reverse
    grows no faster than linearly with how sure an answer is, so that a wrong label cannot dominate. The paper's values
    for few classes by default. The mean over the images of all processes.
    """
    if alpha < 0 or beta < 0:
        raise ValueError(f"alpha, beta: found {alpha!r} and {beta!r}, expected numbers from 0")

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        shares = class_shares(targets["label"], logits.shape[1], dtype=logits.dtype)
        log_p = torch.log_softmax(logits, dim=1)
        reverse = log_p.exp() * torch.log(shares).clamp_min(LOG_OF_ZERO)
        total = -(alpha * shares * log_p + beta * reverse).sum()
        return pooled_mean(total, len(shares))

    return compute


SYMMETRIC_CROSS_ENTROPY = Loss(symmetric_cross_entropy, frozenset({"classes"}), "Wang 2019, arXiv 1908.06112")
