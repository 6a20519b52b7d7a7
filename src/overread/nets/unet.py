"""U-Net with planned kernels and strides, 2D and 3D (Isensee 2021, doi 10.1038/s41592-020-01008-z), by MONAI.

``dynunet`` is the same of residual blocks (Futrega 2021, arXiv 2110.03352).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from torch import Tensor, nn

from overread.errors import InputError
from overread.nets import stages as rule
from overread.nets.architecture import Architecture, Need, Outputs
from overread.nets.encoder_decoder import INSTANCE, answers, heads


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
    supervised: int = 0,
    residual: bool = False,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``.

    Each stage shrinks by its stride: every spatial size must be a multiple of the product of the strides of its axis.
    Where the first one shrinks, a transposed convolution brings the logits back to the input's voxels: a quarter of the
    work of full resolution in 2D, and finer answers than those of a smaller image. ``supervised`` coarser maps of the
    decoder are learnt from too; ``residual`` blocks add what they got to what they give.
    """
    rule.check_stages("unet", dimensions, widths=widths, strides=strides, kernels=kernels)
    if len(widths) < rule.FEWEST_STAGES:
        raise InputError(
            f"network unet: strides: found {len(strides)} stages, expected at least {rule.FEWEST_STAGES}"
        )
    if residual and max(strides[0]) > 1:
        # torch 2.13 on a processor corrupts memory in the backward pass of a strided convolution of 1 voxel on one
        # channel, which the first shortcut would be.
        raise InputError(f"network dynunet: strides[0]: found {list(strides[0])}, expected 1 for every axis")
    network = _dynunet()(
        spatial_dims=dimensions,
        in_channels=channels,
        out_channels=labels,
        kernel_size=[list(k) for k in kernels],
        strides=[list(s) for s in strides],
        upsample_kernel_size=[list(s) for s in strides[1:]],
        filters=list(widths),
        norm_name=INSTANCE,
        res_block=residual,
    )
    network.supervision.extend(heads("unet", dimensions, widths[1:-1], labels, supervised=supervised))
    if max(strides[0]) > 1:
        shape = tuple(strides[0])
        back: Any = nn.ConvTranspose2d if dimensions == 2 else nn.ConvTranspose3d
        network.output_block = back(widths[0], labels, shape, stride=shape)
    return network


@cache
def _dynunet() -> Any:
    """MONAI's DynUNet, whose coarser answers stay as coarse as they are, under names."""
    from monai.networks.nets.dynunet import DynUNet

    class Supervised(DynUNet):
        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.supervision = nn.ModuleList()

        def forward(self, x: Tensor) -> Tensor | Outputs:
            seen = [self.input_block(x)]
            for block in self.downsamples:
                seen.append(block(seen[-1]))
            x, maps = self.bottleneck(seen[-1]), []
            for block in self.upsamples:
                x = block(x, seen.pop())
                maps.append(x)
            return answers(self.output_block(x), maps, self.supervision, training=self.training)

    return Supervised


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

DYNUNET = Architecture(
    build=partial(build, residual=True),
    answers=frozenset({"label_map"}),
    arguments=lambda need: arguments(replace(need, first_stride=1)),
    multiple=multiple,
    layers=layers,
    source="Futrega 2021, arXiv 2110.03352; MONAI DynUNet",
)
