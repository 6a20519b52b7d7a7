"""TransUNet: a residual encoder, a transformer over its coarsest map, a U-Net's decoder (Chen 2021, arXiv 2102.04306).

Its form for volumes is Chen 2023 (arXiv 2310.07781, transformer as encoder). Own code, since no library has either.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from torch import nn

from overread.errors import InputError
from overread.nets import stages as rule
from overread.nets.architecture import Architecture, Need
from overread.nets.encoder_decoder import INSTANCE, EncoderDecoder, heads, layers
from overread.nets.layers import LAYERS, ChannelNorm, initialise_tokens
from overread.nets.resenc_unet import full_resolution_head, multiple, residual_encoder
from overread.nets.tokens import Positions
from overread.nets.vit import Block

# Channels of a head, as in all vision transformers.
HEAD = 64


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    size: Sequence[int],
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
    hidden: int = 768,
    depth: int = 12,
    supervised: int = 0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``.

    Stages as those of ``unet``, one residual block each. The cells of the coarsest map become tokens of ``hidden``
    channels, of which every one looks at all in ``depth`` blocks; places are learnt for images of ``size`` voxels and
    interpolated for others. ``supervised`` coarser maps of the decoder are learnt from too.
    """
    rule.check_stages("transunet", dimensions, widths=widths, strides=strides, kernels=kernels)
    if len(size) != dimensions or min(size) < 1:
        raise InputError(f"network transunet: size: found {list(size)}, expected {dimensions} numbers from 1")
    share = min(HEAD, hidden)
    if hidden < 1 or hidden % share or depth < 1:
        raise InputError(
            f"network transunet: hidden, depth: found {hidden}, {depth}, expected a multiple of {HEAD}, and from 1"
        )
    from monai.networks.blocks.dynunet_block import UnetUpBlock

    encoder = residual_encoder(
        dimensions, channels, widths=widths, strides=strides, kernels=kernels, blocks=[1] * len(widths)
    )
    shrunk = rule.strides_together(strides, dimensions)
    grid = [math.ceil(n / s) for n, s in zip(size, shrunk, strict=True)]
    of = LAYERS[dimensions]
    bottleneck = nn.Sequential(
        OrderedDict(
            enter=of.conv(widths[-1], hidden, 1),
            positions=Positions(hidden, grid),
            blocks=nn.Sequential(*(Block(hidden, hidden // share) for _ in range(depth))),
            norm=ChannelNorm(hidden),
            leave=of.conv(hidden, widths[-1], 3, padding=1),
        )
    )
    initialise_tokens(bottleneck)
    decoder = [
        UnetUpBlock(dimensions, widths[i + 1], widths[i], list(kernels[i]), 1, list(strides[i + 1]), INSTANCE)
        for i in reversed(range(len(widths) - 1))
    ]
    head = full_resolution_head(dimensions, widths[0], labels, strides[0])
    coarser = heads("transunet", dimensions, widths[1:-1], labels, supervised=supervised)
    return EncoderDecoder(encoder, decoder, head, bottleneck=bottleneck, supervision=coarser)


def arguments(need: Need) -> dict[str, Any]:
    """Stages by nnU-Net's rule; on a processor a third of the tokens' channels, and half the blocks."""
    strides, kernels = rule.stages(need.size, need.spacing, first_stride=need.first_stride)
    first = need.first_width or rule.first_width(need.dimensions, need.gpu)
    widths = rule.widths(first, len(strides), need.dimensions, widest=need.widest)
    tokens = {} if need.gpu else {"hidden": 256, "depth": 6}
    return {"size": list(need.size), "widths": widths, "strides": strides, "kernels": kernels} | tokens


TRANSUNET = Architecture(
    build=build,
    answers=frozenset({"label_map"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Chen 2021, arXiv 2102.04306; Chen 2023, arXiv 2310.07781; own code",
)
