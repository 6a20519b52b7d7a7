"""Cross-entropy: one class of several, with smoothing, weights of rare classes and logit adjustment."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.losses.shares import class_shares, numbers_of
from overread.learn.pooled import pooled_mean


def cross_entropy(
    *,
    smoothing: float = 0.0,
    weights: Sequence[float] | None = None,
    adjust: Sequence[float] | None = None,
) -> LossFunction:
    """``logits`` ``(b, classes)`` against ``label``: classes ``(b,)``, or their shares ``(b, classes)``.

    The mean over the images of all processes. ``smoothing`` is the share spread over all classes. ``weights`` count
    what is missed of each class so often, and the mean is one by weight. ``adjust`` is added to the logits while
    learning: with the logarithms of how common the classes are, the logits themselves are those of classes that are
    all as common (logit adjustment, Menon et al., ICLR 2021, arXiv 2007.07314).
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing: found {smoothing!r}, expected a number from 0 to below 1")
    numbers_of("weights", weights, least=0)
    numbers_of("adjust", adjust)

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        if adjust is not None:
            logits = logits + logits.new_tensor(adjust)
        shares = class_shares(targets["label"], logits.shape[1], smoothing=smoothing, dtype=logits.dtype)
        each = -shares * torch.log_softmax(logits, dim=1)
        if weights is None:
            return pooled_mean(each.sum(), len(shares))
        w = logits.new_tensor(weights)
        hard = class_shares(targets["label"], logits.shape[1], dtype=logits.dtype)
        return pooled_mean((each * w).sum(), (hard * w).sum())

    return compute


CROSS_ENTROPY = Loss(cross_entropy, frozenset({"classes"}), "torch; Menon 2021, arXiv 2007.07314")
