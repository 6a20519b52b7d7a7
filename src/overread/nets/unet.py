"""U-Net with planned kernels and strides, 2D and 3D (Isensee 2021, doi 10.1038/s41592-020-01008-z), by MONAI."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def unet(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``.

    ``strides[0]`` is all ones; each later stage shrinks by its stride, so every spatial size must be a multiple
    of the product of the strides of its axis.
    """
    from monai.networks.nets.dynunet import DynUNet

    network: nn.Module = DynUNet(
        spatial_dims=dimensions,
        in_channels=channels,
        out_channels=labels,
        kernel_size=[list(k) for k in kernels],
        strides=[list(s) for s in strides],
        upsample_kernel_size=[list(s) for s in strides[1:]],
        filters=list(widths),
        norm_name=("instance", {"affine": True}),
    )
    return network
