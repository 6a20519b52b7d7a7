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

    ``strides[0]`` is all ones; each later stage shrinks by its stride, so every spatial size must be a multiple
    of the product of the strides of its axis.
    """
    rule.check_stages("unet", dimensions, widths=widths, strides=strides, kernels=kernels)
    if len(widths) < rule.FEWEST_STAGES or max(strides[0]) > 1:
        raise InputError(
            f"network unet: strides: found {len(strides)} stages, the first {list(strides[0])}; "
            f"expected at least {rule.FEWEST_STAGES}, the first all ones"
        )
    from monai.networks.nets.dynunet import DynUNet

    return DynUNet(
        spatial_dims=dimensions,
        in_channels=channels,
        out_channels=labels,
        kernel_size=[list(k) for k in kernels],
        strides=[list(s) for s in strides],
        upsample_kernel_size=[list(s) for s in strides[1:]],
        filters=list(widths),
        norm_name=("instance", {"affine": True}),
    )


def arguments(need: Need) -> dict[str, Any]:
    """Stages by nnU-Net's rule, 32 channels at full resolution (3D on a processor: 16)."""
    strides, kernels = rule.stages(need.size, need.spacing)
    first = rule.first_width(need.dimensions, need.gpu)
    return {
        "widths": rule.widths(first, len(strides), need.dimensions),
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
