"""U-Net with planned kernels and strides, 2D and 3D (Isensee 2021, doi 10.1038/s41592-020-01008-z), by MONAI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from overread.errors import InputError
from overread.nets import stages as rule
from overread.nets.architecture import Architecture, Need


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``.

    Each stage shrinks by its stride: every spatial size must be a multiple of the product of the strides of its axis.
    Where the first one shrinks, a transposed convolution brings the logits back to the input's voxels: a quarter of the
    work of full resolution in 2D, and finer answers than those of a smaller image.
    """
    rule.check_stages("unet", dimensions, widths=widths, strides=strides, kernels=kernels)
    if len(widths) < rule.FEWEST_STAGES:
        raise InputError(
            f"network unet: strides: found {len(strides)} stages, expected at least {rule.FEWEST_STAGES}"
        )
    from monai.networks.nets.dynunet import DynUNet

    network = DynUNet(
        spatial_dims=dimensions,
        in_channels=channels,
        out_channels=labels,
        kernel_size=[list(k) for k in kernels],
        strides=[list(s) for s in strides],
        upsample_kernel_size=[list(s) for s in strides[1:]],
        filters=list(widths),
        norm_name=("instance", {"affine": True}),
    )
    if max(strides[0]) > 1:
        shape = tuple(strides[0])
        back: Any = nn.ConvTranspose2d if dimensions == 2 else nn.ConvTranspose3d
        network.output_block = back(widths[0], labels, shape, stride=shape)
    return network


def arguments(need: Need) -> dict[str, Any]:
    """Stages by nnU-Net's rule, 32 channels at full resolution (3D on a processor: 16)."""
    strides, kernels = rule.stages(need.size, need.spacing, first_stride=need.first_stride)
    first = need.first_width or rule.first_width(need.dimensions, need.gpu)
    return {
        "widths": rule.widths(first, len(strides), need.dimensions, widest=need.widest),
        "strides": strides,
        "kernels": kernels,
    }


def multiple(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """The product of the strides of each axis."""
    return rule.strides_together(arguments["strides"], dimensions)


def layers(network: nn.Module) -> list[str]:
    """Down the encoder and up the decoder."""
    down: Any = network.downsamples
    up: Any = network.upsamples
    return [
        "input_block",
        *(f"downsamples.{i}" for i in range(len(down))),
        "bottleneck",
        *(f"upsamples.{i}" for i in range(len(up))),
    ]


UNET = Architecture(
    build=build,
    answers=frozenset({"label_map"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Isensee 2021, doi 10.1038/s41592-020-01008-z; MONAI DynUNet",
)
