"""Cross-entropy plus soft Dice over the foreground (Isensee 2021, doi 10.1038/s41592-020-01008-z), by MONAI."""

from __future__ import annotations

import torch
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors


def dice_cross_entropy(*, dice_weight: float = 1.0, cross_entropy_weight: float = 1.0) -> LossFunction:
    """``logits`` ``(b, labels, *spatial)`` against the integers of ``mask`` ``(b, *spatial)``.

    Dice (Milletari 2016, arXiv 1606.04797) is pooled over the batch, so that an empty patch beside a full one does not
    count as a miss.
    """
    from monai.losses.dice import DiceCELoss

    loss = DiceCELoss(
        include_background=False,
        to_onehot_y=True,
        softmax=True,
        batch=True,
        lambda_dice=dice_weight,
        lambda_ce=cross_entropy_weight,
    )

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        value: Tensor = loss(outputs["logits"], targets["mask"][:, None].to(torch.long))
        return value

    return compute


DICE_CROSS_ENTROPY = Loss(
    dice_cross_entropy,
    frozenset({"label_map"}),
    "Isensee 2021, doi 10.1038/s41592-020-01008-z; MONAI DiceCELoss",
)
