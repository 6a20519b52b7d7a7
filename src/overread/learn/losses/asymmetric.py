"""Focal and asymmetric loss over findings side by side, most of which are absent."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.pooled import pooled_mean


def focal(*, gamma: float = 2.0) -> LossFunction:
    """`asymmetric` with the same ``gamma`` on both sides and nothing cut off (Lin et al., ICCV 2017, arXiv 1708.02002).

    Without the paper's weight of the positive ones: thresholds and scales are fixed later, on tuning cases.
    """
    return asymmetric(gamma_positive=gamma, gamma_negative=gamma, cut=0.0)


def asymmetric(
    *, gamma_positive: float = 0.0, gamma_negative: float = 4.0, cut: float = 0.05
) -> LossFunction:
    """``logits`` ``(b, findings)`` against ``labels`` ``(b, findings)`` from 0 to 1, NaN where nothing is stated.

    Cross-entropy in which what is right already counts less: ``(1 - p) ** gamma_positive`` for findings that are there,
    ``p ** gamma_negative`` for those that are not, whose p is first lowered by ``cut``, so that easy ones count nothing
    (Ridnik et al., ICCV 2021, arXiv 2009.14119). A label between 0 and 1 counts on both sides by its share. The mean
    over what is stated, on all processes.
    """
    if min(gamma_positive, gamma_negative) < 0 or not 0 <= cut < 1:
        raise ValueError(
            f"gamma_positive, gamma_negative, cut: found {gamma_positive!r}, {gamma_negative!r}, {cut!r}, expected "
            "numbers from 0, and a cut below 1"
        )

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        labels = targets["labels"].to(logits.dtype)
        stated = ~torch.isnan(labels)
        labels = torch.where(stated, labels, torch.zeros_like(labels))
        p = logits.sigmoid()
        # Without a cut in logits, where no probability near 1 loses its digits.
        lowered = (p - cut).clamp_min(0)
        log_absent = F.logsigmoid(-logits) if cut == 0 else torch.log1p(-lowered)
        there = labels * _power(1 - p, gamma_positive) * F.logsigmoid(logits)
        absent = (1 - labels) * _power(lowered, gamma_negative) * log_absent
        return pooled_mean(-((there + absent) * stated).sum(), stated.sum())

    return compute


def _power(base: Tensor, exponent: float) -> Tensor:
    # The slope of base ** exponent at 0 is infinite below 1, and 0 ** 0 has none: small bases stay a little above.
    return torch.ones_like(base) if exponent == 0 else base.clamp_min(1e-8) ** exponent


FOCAL = Loss(focal, frozenset({"findings"}), "Lin 2017, arXiv 1708.02002")
ASYMMETRIC = Loss(asymmetric, frozenset({"findings"}), "Ridnik 2021, arXiv 2009.14119")
