"""Cross-entropy plus soft Dice over the foreground (Isensee 2021, doi 10.1038/s41592-020-01008-z)."""

from __future__ import annotations

import torch
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.pooled import pooled

SMOOTH = 1e-5


def dice_cross_entropy(*, dice_weight: float = 1.0, cross_entropy_weight: float = 1.0) -> LossFunction:
    """``logits`` ``(b, labels, *spatial)`` against the integers of ``mask`` ``(b, *spatial)``.

    Dice (Milletari 2016, arXiv 1606.04797) is pooled over the batch, so that an empty patch beside a full one does not
    count as a miss, and is the mean over the foreground labels that the batch shows: one that it does not show has
    nothing to overlap with, and what is found of it costs cross-entropy. A batch of background alone has no Dice. With
    every label shown this is MONAI's DiceCELoss; own code since it pools over processes too.
    """

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        mask = targets["mask"][:, None].to(torch.long)
        likelihood = torch.log_softmax(logits, dim=1)
        p = likelihood.exp()
        truth = torch.zeros_like(p).scatter_(1, mask, 1.0)
        axes = [0, *range(2, p.ndim)]
        k = p.shape[1]
        sums = pooled(
            torch.cat(
                [
                    (p * truth).sum(axes),
                    p.sum(axes),
                    truth.sum(axes),
                    -likelihood.gather(1, mask).sum()[None],
                ]
            )
        )
        common, found, true = (sums[i * k + 1 : (i + 1) * k] for i in range(3))
        voxels = sums[2 * k : 3 * k].sum()
        shown = (true > 0).float()
        dice = 1 - (2 * common + SMOOTH) / (found + true + SMOOTH)
        missed = (dice * shown).sum() / shown.sum().clamp_min(1)
        return dice_weight * missed + cross_entropy_weight * sums[-1] / voxels

    return compute


DICE_CROSS_ENTROPY = Loss(
    dice_cross_entropy,
    frozenset({"label_map"}),
    "Isensee 2021, doi 10.1038/s41592-020-01008-z; Milletari 2016, arXiv 1606.04797",
)
