"""Binary cross-entropy over findings side by side; what is not stated does not count."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.pooled import pooled_mean


def binary_cross_entropy() -> LossFunction:
    """``logits`` ``(b, findings)`` against ``labels`` ``(b, findings)`` of 1, 0 and NaN.

    The mean over what is stated, on all processes; NaN counts neither in the value nor in the gradient. Nothing stated
    gives 0.
    """

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits, labels = full(outputs["logits"]), targets["labels"].float()
        stated = ~torch.isnan(labels)
        each = F.binary_cross_entropy_with_logits(
            logits,
            torch.where(stated, labels, torch.zeros_like(labels)),
            weight=stated.float(),
            reduction="sum",
        )
        return pooled_mean(each, stated.sum())

    return compute


BINARY_CROSS_ENTROPY = Loss(binary_cross_entropy, frozenset({"findings"}), "torch")
