"""Cross-entropy plus soft Dice over the foreground (Isensee 2021, doi 10.1038/s41592-020-01008-z)."""

from __future__ import annotations

from overread.learn.losses.dense import DenseLoss
from overread.learn.losses.dice import dice_of
from overread.learn.losses.protocol import Loss
from overread.learn.losses.voxel_cross_entropy import focal_of


def dice_cross_entropy(
    *,
    dice_weight: float = 1.0,
    cross_entropy_weight: float = 1.0,
    background: bool = False,
    per_image: bool = False,
) -> DenseLoss:
    """The sum of `overread.learn.losses.dice` and `overread.learn.losses.voxel_cross_entropy` by weights.

    Dice is pooled over the batch, so that an empty patch beside a full one does not count as a miss, and is the mean
    over the foreground labels that the batch shows: one that it does not show has nothing to overlap with, and what is
    found of it costs cross-entropy. A batch of background alone has no Dice. With every label shown this is MONAI's
    DiceCELoss; own code since it pools over processes too.
    """
    return DenseLoss(
        lambda dense: (
            dice_weight * dice_of(dense, background=background, per_image=per_image)
            + cross_entropy_weight * focal_of(dense)
        )
    )


DICE_CROSS_ENTROPY = Loss(
    dice_cross_entropy,
    frozenset({"label_map"}),
    "Isensee 2021, doi 10.1038/s41592-020-01008-z; Milletari 2016, arXiv 1606.04797",
)
