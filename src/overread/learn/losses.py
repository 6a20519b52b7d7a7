"""What training minimises, by task."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def loss_of(task: str) -> Callable[[Tensor, Tensor], Tensor]:
    """``(logits, target) -> scalar``.

    Classification: cross-entropy. Segmentation: cross-entropy plus soft Dice over the foreground, pooled over the
    batch so that an empty patch does not count as a miss (Isensee 2021; Dice: Milletari 2016, arXiv 1606.04797).
    """
    if task == "classification":
        return nn.CrossEntropyLoss()
    return dice_cross_entropy()


def dice_cross_entropy() -> Callable[[Tensor, Tensor], Tensor]:
    """Loss on logits ``(b, labels, *spatial)`` and an integer label map ``(b, *spatial)``."""
    from monai.losses.dice import DiceCELoss

    loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)

    def compute(logits: Tensor, target: Tensor) -> Tensor:
        value: Tensor = loss(logits, target[:, None].to(torch.long))
        return value

    return compute
