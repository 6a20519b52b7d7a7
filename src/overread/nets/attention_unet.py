"""U-Net whose decoder weighs what it is shown from the encoder (Oktay 2018, arXiv 1804.03999), 2D and 3D.

MONAI's own has one kernel for all axes and no deep supervision; its blocks are used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from overread.nets import stages as rule
from overread.nets.architecture import Architecture, Need
from overread.nets.encoder_decoder import INSTANCE, EncoderDecoder, heads, layers
from overread.nets.resenc_unet import full_resolution_head, multiple


class Gated(nn.Module):
    """Transposed convolution, what was ``seen`` weighed voxel by voxel, and two convolutions.

    The gate asks the coarser map, brought up, which voxels of the finer one matter (additive attention).
    """

    def __init__(
        self, dimensions: int, inputs: int, outputs: int, kernel: Sequence[int], stride: Sequence[int]
    ) -> None:
        super().__init__()
        from monai.networks.blocks.dynunet_block import UnetUpBlock
        from monai.networks.nets.attentionunet import AttentionBlock

        block = UnetUpBlock(dimensions, inputs, outputs, list(kernel), 1, list(stride), INSTANCE)
        self.up, self.conv = block.transp_conv, block.conv_block
        self.gate = AttentionBlock(dimensions, f_int=max(1, outputs // 2), f_g=outputs, f_l=outputs)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """The finer map, with as many channels as the one ``seen``."""
        finer = self.up(x)
        out: Tensor = self.conv(torch.cat((finer, self.gate(finer, seen)), dim=1))
        return out


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
    supervised: int = 0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``.

    Stages as those of ``unet``. The gates normalise over the batch, as the authors' do. ``supervised`` coarser maps of
    the decoder are learnt from too, which the authors do throughout.
    """
    from monai.networks.blocks.dynunet_block import UnetBasicBlock

    rule.check_stages("attention_unet", dimensions, widths=widths, strides=strides, kernels=kernels)
    inputs = [channels, *widths[:-1]]
    encoder = [
        UnetBasicBlock(dimensions, inputs[i], widths[i], list(kernels[i]), list(strides[i]), INSTANCE)
        for i in range(len(widths))
    ]
    decoder = [
        Gated(dimensions, widths[i + 1], widths[i], kernels[i], strides[i + 1])
        for i in reversed(range(len(widths) - 1))
    ]
    head = full_resolution_head(dimensions, widths[0], labels, strides[0])
    coarser = heads("attention_unet", dimensions, widths[1:-1], labels, supervised=supervised)
    return EncoderDecoder(encoder, decoder, head, supervision=coarser)


def arguments(need: Need) -> dict[str, Any]:
    """Stages by nnU-Net's rule."""
    strides, kernels = rule.stages(need.size, need.spacing, first_stride=need.first_stride)
    first = need.first_width or rule.first_width(need.dimensions, need.gpu)
    widths = rule.widths(first, len(strides), need.dimensions, widest=need.widest)
    return {"widths": widths, "strides": strides, "kernels": kernels}


ATTENTION_UNET = Architecture(
    build=build,
    answers=frozenset({"label_map"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Oktay 2018, arXiv 1804.03999; blocks of MONAI",
)
