"""Losses of label maps by name; each fits labels and regions, ignored voxels and partly labelled images."""

from __future__ import annotations

from overread.learn.losses.boundary import BOUNDARY
from overread.learn.losses.cl_dice import CL_DICE
from overread.learn.losses.dice import DICE
from overread.learn.losses.dice_cross_entropy import DICE_CROSS_ENTROPY
from overread.learn.losses.generalised_dice import GENERALISED_DICE
from overread.learn.losses.hausdorff import HAUSDORFF
from overread.learn.losses.protocol import Loss
from overread.learn.losses.tversky import FOCAL_TVERSKY, TVERSKY
from overread.learn.losses.voxel_cross_entropy import VOXEL_CROSS_ENTROPY, VOXEL_FOCAL

LABEL_MAPS: dict[str, Loss] = {
    "dice_cross_entropy": DICE_CROSS_ENTROPY,
    "dice": DICE,
    "generalised_dice": GENERALISED_DICE,
    "voxel_cross_entropy": VOXEL_CROSS_ENTROPY,
    "voxel_focal": VOXEL_FOCAL,
    "tversky": TVERSKY,
    "focal_tversky": FOCAL_TVERSKY,
    "boundary": BOUNDARY,
    "hausdorff": HAUSDORFF,
    "cl_dice": CL_DICE,
}
