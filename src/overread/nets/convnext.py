"""ConvNeXt, a residual network with the habits of transformers (Liu 2022, arXiv 2201.03545), 2D and 3D.

Own code, since no library has the 3D form; the 2D body has the parameters of timm's ``convnext_*``, by the same names.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from overread.nets.architecture import WHOLE_IMAGE, Architecture, full_resolution
from overread.nets.classifier import classifier
from overread.nets.layers import (
    LAYERS,
    ChannelNorm,
    channels_first,
    channels_last,
    initialise_tokens,
    scaled,
    small_stem,
)
from overread.nets.tokens import Patches

KERNEL, EXPANSION = 7, 4
# What a block adds at the start, as a share of what it computes (layer scale).
SCALE = 1e-6


class Block(nn.Module):
    """A wide convolution for each channel, then two dense layers for each cell; the map keeps its shape."""

    def __init__(self, dimensions: int, width: int) -> None:
        super().__init__()
        self.conv_dw = LAYERS[dimensions].conv(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(
            OrderedDict(
                fc1=nn.Linear(width, EXPANSION * width),
                act=nn.GELU(),
                fc2=nn.Linear(EXPANSION * width, width),
            )
        )
        self.gamma = nn.Parameter(torch.full((width,), SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, F, *cells)`` to the same."""
        cells = channels_last(self.conv_dw(x))
        return x + channels_first(self.gamma * self.mlp(self.norm(cells)))


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    blocks: Sequence[int],
    widths: Sequence[int],
    small_stem: bool = False,
    width: float = 1.0,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``blocks`` and ``widths`` are the blocks and channels of four stages. ``small_stem``: the first layer is 3 voxels
    wide without a stride, and not 4 wide with stride 4.
    """
    of, wide = LAYERS[dimensions], scaled(widths, width)
    patch = of.conv(channels, wide[0], 3, 1, 1) if small_stem else _patch(dimensions, channels, wide[0], 4)
    stages, inputs = nn.Sequential(), wide[0]
    for count, outputs in zip(blocks, wide, strict=True):
        stage: OrderedDict[str, nn.Module] = OrderedDict()
        if len(stages):
            stage["downsample"] = nn.Sequential(ChannelNorm(inputs), _patch(dimensions, inputs, outputs, 2))
        stage["blocks"] = nn.Sequential(*(Block(dimensions, outputs) for _ in range(count)))
        stages.append(nn.Sequential(stage))
        inputs = outputs
    body = nn.Sequential(OrderedDict(stem=nn.Sequential(patch, ChannelNorm(wide[0])), stages=stages))
    initialise_tokens(body)
    norm = nn.LayerNorm(inputs, eps=1e-6) if pool != "adaptive" else None
    return classifier(body, inputs, labels, dimensions=dimensions, pool=pool, dropout=dropout, norm=norm)


def _patch(dimensions: int, inputs: int, outputs: int, side: int) -> nn.Module:
    return Patches(dimensions, inputs, outputs, [side] * dimensions)


def _convnext(blocks: Sequence[int], widths: Sequence[int]) -> Architecture:
    return Architecture(
        build=partial(build, blocks=blocks, widths=widths),
        answers=WHOLE_IMAGE,
        arguments=small_stem,
        multiple=full_resolution,
        layers=lambda network: [f"body.stages.{i}" for i in range(len(blocks))],
        source="Liu 2022, arXiv 2201.03545; own code",
    )


CONVNEXTS = {
    "convnext_atto": _convnext((2, 2, 6, 2), (40, 80, 160, 320)),
    "convnext_tiny": _convnext((3, 3, 9, 3), (96, 192, 384, 768)),
    "convnext_small": _convnext((3, 3, 27, 3), (96, 192, 384, 768)),
}
