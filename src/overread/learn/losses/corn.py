"""CORN: conditional probabilities of ordered grades (Shi, Cao and Raschka 2021, arXiv 2111.08851)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.losses.shares import class_shares
from overread.learn.pooled import pooled_mean


def corn(*, smoothing: float = 0.0) -> LossFunction:
    """``logits`` ``(b, grades - 1)`` against ``label``: grades ``(b,)``, or their shares ``(b, grades)``.

    Output k is the log odds of a grade above k among the cases that have grade k or a higher one; only these count in
    it. The sum over k is the negative log probability of the grade, and the loss its mean over the images of all
    processes; of shared grades the mean by their shares. ``smoothing`` is the share spread over all grades.
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing: found {smoothing!r}, expected a number from 0 to below 1")

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        shares = class_shares(targets["label"], logits.shape[1] + 1, smoothing=smoothing, dtype=logits.dtype)
        reached = shares.flip(1).cumsum(1).flip(1)
        passed = reached[:, 1:]
        stayed = reached[:, :-1] - passed
        total = -(passed * F.logsigmoid(logits) + stayed * F.logsigmoid(-logits)).sum()
        return pooled_mean(total, len(logits))

    return compute


CORN = Loss(corn, frozenset({"classes"}), "Shi, Cao and Raschka 2021, arXiv 2111.08851", ordered=True)
