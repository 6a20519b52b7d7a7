"""Vision transformer (Dosovitskiy 2020, arXiv 2010.11929) without a class token (Beyer 2022, arXiv 2205.01580), 2D, 3D.

Own code: MONAI's is tied to one size and gives no map. The blocks of the 2D body have the parameters of timm's
``vit_*``, by the same names.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.architecture import WHOLE_IMAGE, Architecture, Need, full_resolution
from overread.nets.classifier import classifier
from overread.nets.layers import ChannelNorm, initialise_tokens
from overread.nets.tokens import Attention, Patches, Positions, choose_patch, dense, to_map, to_tokens

DEPTH, EXPANSION = 12, 4


class Block(nn.Module):
    """Attention and two dense layers, each added to what was there; the map keeps its shape."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = dense(width, EXPANSION)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, F, *cells)`` to the same."""
        tokens = to_tokens(x)
        tokens = tokens + self.attn(self.norm1(tokens))
        tokens = tokens + self.mlp(self.norm2(tokens))
        return to_map(tokens, x.shape[2:])


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    size: Sequence[int],
    patch: Sequence[int],
    heads: int,
    depth: int = DEPTH,
    width: float = 1.0,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    Patches of ``patch`` voxels per axis become tokens. Places are learnt for images of ``size`` voxels and interpolated
    for others. ``heads`` of 64 channels, times ``width``, in each of ``depth`` blocks.
    """
    for key, value in (("size", size), ("patch", patch)):
        if len(value) != dimensions or min(value) < 1:
            raise InputError(f"network vit: {key}: found {list(value)}, expected {dimensions} numbers from 1")
    wide = heads * max(8, round(64 * width / 8) * 8)
    grid = [math.ceil(n / p) for n, p in zip(size, patch, strict=True)]
    body = nn.Sequential(
        OrderedDict(
            patch_embed=nn.Sequential(OrderedDict(proj=Patches(dimensions, channels, wide, patch))),
            positions=Positions(wide, grid),
            blocks=nn.Sequential(*(Block(wide, heads) for _ in range(depth))),
            norm=ChannelNorm(wide),
        )
    )
    initialise_tokens(body)
    return classifier(body, wide, labels, dimensions=dimensions, pool=pool, dropout=dropout)


def arguments(need: Need) -> dict[str, Any]:
    """Patches as small as attention can pay for."""
    return {"size": list(need.size), "patch": choose_patch(need)}


def layers(network: nn.Module) -> list[str]:
    """The patches, every block, and the end."""
    blocks: Any = network.get_submodule("body.blocks")
    return ["body.patch_embed", *(f"body.blocks.{i}" for i in range(len(blocks))), "body.norm"]


def _vit(heads: int) -> Architecture:
    return Architecture(
        build=partial(build, heads=heads),
        answers=WHOLE_IMAGE,
        arguments=arguments,
        multiple=full_resolution,
        layers=layers,
        source="Dosovitskiy 2020, arXiv 2010.11929; Beyer 2022, arXiv 2205.01580; own code",
    )


VITS = {"vit_tiny": _vit(3), "vit_small": _vit(6), "vit_base": _vit(12)}
