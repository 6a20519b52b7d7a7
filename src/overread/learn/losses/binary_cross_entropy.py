"""Binary cross-entropy over findings side by side; what is not stated does not count."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.losses.shares import numbers_of
from overread.learn.pooled import pooled_mean


def binary_cross_entropy(
    *, smoothing: float = 0.0, positive_weights: Sequence[float] | None = None
) -> LossFunction:
    """``logits`` ``(b, findings)`` against ``labels`` ``(b, findings)`` from 0 to 1, NaN where nothing is stated.

    The mean over what is stated, on all processes; NaN counts neither in the value nor in the gradient. Nothing stated
    gives 0. ``smoothing`` moves every label so far towards one half; ``positive_weights`` count what is missed of each
    finding so often.
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing: found {smoothing!r}, expected a number from 0 to below 1")
    numbers_of("positive_weights", positive_weights, least=0)

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        labels = targets["labels"].to(logits.dtype)
        stated = ~torch.isnan(labels)
        labels = torch.where(stated, labels, torch.zeros_like(labels)) * (1 - smoothing) + smoothing / 2
        each = F.binary_cross_entropy_with_logits(
            logits,
            labels,
            weight=stated.to(logits.dtype),
            pos_weight=None if positive_weights is None else logits.new_tensor(positive_weights),
            reduction="sum",
        )
        return pooled_mean(each, stated.sum())

    return compute


BINARY_CROSS_ENTROPY = Loss(binary_cross_entropy, frozenset({"findings"}), "torch")
