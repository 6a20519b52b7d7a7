"""Residual-encoder U-Net: deep residual stages down, light ones up (Isensee 2024, arXiv 2404.09556), 2D and 3D.

The residual blocks are MONAI's; own code, since no library has the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from overread.errors import InputError
from overread.nets import stages as rule
from overread.nets.architecture import Architecture, Need
from overread.nets.encoder_decoder import INSTANCE, EncoderDecoder, heads, layers
from overread.nets.layers import LAYERS

# Residual blocks of the stages, finest first, as nnU-Net has them.
BLOCKS = (1, 3, 4, 6, 6, 6, 6)


class Up(nn.Module):
    """Transposed convolution, what was seen beside it, and a convolution with instance normalisation."""

    def __init__(
        self, dimensions: int, inputs: int, outputs: int, kernel: Sequence[int], stride: Sequence[int]
    ) -> None:
        super().__init__()
        of = LAYERS[dimensions]
        back: Any = nn.ConvTranspose2d if dimensions == 2 else nn.ConvTranspose3d
        norm: Any = nn.InstanceNorm2d if dimensions == 2 else nn.InstanceNorm3d
        self.up = back(inputs, outputs, tuple(stride), stride=tuple(stride))
        padding = tuple(k // 2 for k in kernel)
        self.conv = nn.Sequential(
            of.conv(2 * outputs, outputs, tuple(kernel), padding=padding),
            norm(outputs, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
        )

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """The finer map, with as many channels as the one ``seen``."""
        out: Tensor = self.conv(torch.cat((self.up(x), seen), dim=1))
        return out


def residual_encoder(
    dimensions: int,
    channels: int,
    *,
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
    blocks: Sequence[int],
) -> list[nn.Module]:
    """Stages of MONAI's residual blocks behind one plain block, which has no features yet to add to."""
    from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetResBlock

    found: list[nn.Module] = []
    inputs = channels
    for i, (width, stride, kernel, count) in enumerate(zip(widths, strides, kernels, blocks, strict=True)):
        stage = nn.Sequential()
        if i == 0:
            stage.append(UnetBasicBlock(dimensions, inputs, width, list(kernel), list(stride), INSTANCE))
            inputs, stride = width, [1] * dimensions
        for j in range(count):
            step = [1] * dimensions if j else list(stride)
            stage.append(
                UnetResBlock(dimensions, width if j else inputs, width, list(kernel), step, INSTANCE)
            )
        inputs = width
        found.append(stage)
    return found


def full_resolution_head(dimensions: int, width: int, labels: int, first: Sequence[int]) -> nn.Module:
    """Logits of the finest map; where the first stage shrank the image, back to its voxels."""
    kernel = stride = tuple(first)
    if max(first) == 1:
        conv: Any = LAYERS[dimensions].conv
    else:
        conv = nn.ConvTranspose2d if dimensions == 2 else nn.ConvTranspose3d
    head: nn.Module = conv(width, labels, kernel, stride=stride)
    return head


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
    blocks: Sequence[int],
    supervised: int = 0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``.

    ``blocks`` are the residual blocks of each stage; ``supervised`` coarser maps of the decoder are learnt from too.
    """
    rule.check_stages("resenc_unet", dimensions, widths=widths, strides=strides, kernels=kernels)
    if len(blocks) != len(widths) or min(blocks) < 1:
        raise InputError(
            f"network resenc_unet: blocks: found {list(blocks)}, expected {len(widths)} numbers from 1, as in widths"
        )
    encoder = residual_encoder(
        dimensions, channels, widths=widths, strides=strides, kernels=kernels, blocks=blocks
    )
    decoder = [
        Up(dimensions, widths[i + 1], widths[i], kernels[i], strides[i + 1])
        for i in reversed(range(len(widths) - 1))
    ]
    head = full_resolution_head(dimensions, widths[0], labels, strides[0])
    coarser = heads("resenc_unet", dimensions, widths[1:-1], labels, supervised=supervised)
    return EncoderDecoder(encoder, decoder, head, supervision=coarser)


def arguments(need: Need) -> dict[str, Any]:
    """Stages by nnU-Net's rule; on a processor half as many blocks."""
    strides, kernels = rule.stages(need.size, need.spacing, first_stride=need.first_stride)
    first = need.first_width or rule.first_width(need.dimensions, need.gpu)
    return {
        "widths": rule.widths(first, len(strides), need.dimensions, widest=need.widest),
        "strides": strides,
        "kernels": kernels,
        "blocks": [n if need.gpu else -(-n // 2) for n in BLOCKS[: len(strides)]],
    }


def multiple(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """The product of the strides of each axis."""
    return rule.strides_together(arguments["strides"], dimensions)


RESENC_UNET = Architecture(
    build=build,
    answers=frozenset({"label_map"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Isensee 2024, arXiv 2404.09556; own code of MONAI's blocks",
)
