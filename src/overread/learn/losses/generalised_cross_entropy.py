"""Generalised cross-entropy, between cross-entropy and absolute error (Zhang and Sabuncu 2018, arXiv 1805.07836)."""

from __future__ import annotations

import torch
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.losses.shares import class_shares
from overread.learn.pooled import pooled_mean


def generalised_cross_entropy(*, q: float = 0.7) -> LossFunction:
    """``logits`` ``(b, classes)`` against ``label``: classes ``(b,)``, or their shares ``(b, classes)``.

    ``(1 - p ** q) / q`` of the probability p of the label: with ``q`` near 0 it is cross-entropy, with 1 the absolute
    error, which wrong labels move least and which learns slowest. The mean over the images of all processes.
    """
    if not 0 < q <= 1:
        raise ValueError(f"q: found {q!r}, expected a number above 0 up to 1")

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        shares = class_shares(targets["label"], logits.shape[1], dtype=logits.dtype)
        # The logarithm first: p ** q itself has no finite slope at 0.
        powered = torch.exp(q * torch.log_softmax(logits, dim=1))
        return pooled_mean((shares * (1 - powered) / q).sum(), len(shares))

    return compute


GENERALISED_CROSS_ENTROPY = Loss(
    generalised_cross_entropy, frozenset({"classes"}), "Zhang and Sabuncu 2018, arXiv 1805.07836"
)
