"""Residual network for classification, 2D and 3D (He 2015, arXiv 1512.03385), by MONAI."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def resnet(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    blocks: Sequence[int],
    small_stem: bool,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``small_stem`` keeps the full resolution in the first layer (3-voxel kernel, no pooling), as images of some
    64 pixels and below need it; otherwise the first layer is the 7-voxel kernel with stride 2 and pooling.
    """
    from monai.networks.nets.resnet import ResNet

    network: nn.Module = ResNet(
        block="basic",
        layers=list(blocks),
        block_inplanes=list(widths),
        spatial_dims=dimensions,
        n_input_channels=channels,
        num_classes=labels,
        conv1_t_size=3 if small_stem else 7,
        conv1_t_stride=1 if small_stem else 2,
        no_max_pool=small_stem,
    )
    return network
