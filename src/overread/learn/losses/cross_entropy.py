"""Cross-entropy: one class of several."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.pooled import pooled_mean


def cross_entropy(*, smoothing: float = 0.0) -> LossFunction:
    """``logits`` ``(b, classes)`` against ``label`` ``(b,)``; ``smoothing`` is the share spread over all classes.

    The mean over the images of all processes.
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing: found {smoothing!r}, expected a number from 0 to below 1")

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        total = F.cross_entropy(
            full(outputs["logits"]), targets["label"], label_smoothing=smoothing, reduction="sum"
        )
        return pooled_mean(total, len(targets["label"]))

    return compute


CROSS_ENTROPY = Loss(cross_entropy, frozenset({"classes"}), "torch")
