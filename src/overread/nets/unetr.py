"""UNETR: a vision transformer as encoder, convolutions as decoder (Hatamizadeh 2021, arXiv 2103.10504), 2D and 3D.

MONAI's own is tied to one size of image; its blocks are used here, with positions that are interpolated for others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.architecture import Architecture, Need, Outputs
from overread.nets.encoder_decoder import INSTANCE, answers, heads
from overread.nets.layers import LAYERS, SMALL_IMAGE, ChannelNorm, initialise_tokens, scaled
from overread.nets.tokens import Patches, Positions
from overread.nets.vit import Block

HEADS, SHARE, FEATURES = 12, 64, 16
LEVELS = 4
# Largest patch per axis: one halving a level.
LARGEST = 2**LEVELS


class UNETR(nn.Module):
    """See `build`."""

    def __init__(
        self,
        dimensions: int,
        channels: int,
        labels: int,
        size: Sequence[int],
        patch: Sequence[int],
        depth: int,
        share: int,
        features: int,
        supervised: int,
    ) -> None:
        super().__init__()
        from monai.networks.blocks.dynunet_block import UnetResBlock
        from monai.networks.blocks.unetr_block import UnetrUpBlock

        hidden, ones = HEADS * share, [1] * dimensions
        grid = [math.ceil(n / p) for n, p in zip(size, patch, strict=True)]
        self.patches = Patches(dimensions, channels, hidden, patch)
        self.positions = Positions(hidden, grid)
        self.blocks = nn.ModuleList(Block(hidden, HEADS) for _ in range(depth))
        self.norm = ChannelNorm(hidden)
        initialise_tokens(self.patches)
        initialise_tokens(self.blocks)
        # Level 0 is the image, level 4 the tokens. Large patches are halved in the first levels, axes of smaller ones
        # in the last of these.
        halved = [p.bit_length() - 1 for p in patch]
        top = max(halved)
        strides = [[2 if top - n <= i < top else 1 for n in halved] for i in range(LEVELS)]
        wide = [features * 2**i for i in range(LEVELS)]
        self.first = UnetResBlock(dimensions, channels, wide[0], 3, ones, INSTANCE)
        self.beside = nn.ModuleList(
            _brought_up(dimensions, hidden, wide[i], strides[i:], INSTANCE) for i in range(1, LEVELS)
        )
        self.decoder = nn.ModuleList(
            UnetrUpBlock(
                dimensions,
                hidden if i == LEVELS - 1 else wide[i + 1],
                wide[i],
                3,
                strides[i],
                INSTANCE,
                res_block=True,
            )
            for i in reversed(range(LEVELS))
        )
        self.head = LAYERS[dimensions].conv(wide[0], labels, 1)
        self.supervision = nn.ModuleList(heads("unetr", dimensions, wide[1:], labels, supervised=supervised))

    def forward(self, x: Tensor) -> Tensor | Outputs:
        """Logits; in training with the coarser ones, by name."""
        seen = [self.first(x)]
        tokens = self.positions(self.patches(x))
        # The maps beside the decoder are those after a quarter, a half and three quarters of the blocks.
        taken = [len(self.blocks) * i // LEVELS for i in range(1, LEVELS)]
        for i, block in enumerate(self.blocks, start=1):
            tokens = block(tokens)
            for _ in range(taken.count(i)):
                seen.append(self.beside[len(seen) - 1](tokens))
        out, maps = self.norm(tokens), []
        for block in self.decoder:
            out = block(out, seen.pop())
            maps.append(out)
        return answers(self.head(out), maps, self.supervision, training=self.training)


def _brought_up(
    dimensions: int, inputs: int, outputs: int, strides: Sequence[Sequence[int]], norm: Any
) -> nn.Module:
    """Tokens as a map of a finer level: a transposed convolution a level, and a residual block behind all but one."""
    from monai.networks.blocks.dynunet_block import UnetResBlock

    back: Any = nn.ConvTranspose2d if dimensions == 2 else nn.ConvTranspose3d
    parts = nn.Sequential()
    for i, stride in enumerate(reversed(strides)):
        parts.append(back(outputs if i else inputs, outputs, tuple(stride), stride=tuple(stride), bias=False))
        if i:
            parts.append(UnetResBlock(dimensions, outputs, outputs, 3, [1] * dimensions, norm))
    return parts


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    size: Sequence[int],
    patch: Sequence[int],
    depth: int = 12,
    width: float = 1.0,
    supervised: int = 0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``.

    Patches of ``patch`` voxels per axis (16, 8, 4, 2 or 1) become tokens, of which every one looks at all in ``depth``
    blocks. Places are learnt for images of ``size`` voxels and interpolated for others. ``width`` multiplies all
    channels. ``supervised`` coarser maps of the decoder are learnt from too.
    """
    if len(size) != dimensions or min(size) < 1:
        raise InputError(f"network unetr: size: found {list(size)}, expected {dimensions} numbers from 1")
    if len(patch) != dimensions or any(p not in [2**i for i in range(LEVELS + 1)] for p in patch):
        raise InputError(
            f"network unetr: patch: found {list(patch)}, expected {dimensions} of 1, 2, 4, 8 and {LARGEST}"
        )
    if depth < LEVELS:
        raise InputError(f"network unetr: depth: found {depth}, expected at least {LEVELS}")
    [share], [features] = scaled([SHARE], width), scaled([FEATURES], width)
    return UNETR(dimensions, channels, labels, size, patch, depth, share, features, supervised)


def arguments(need: Need) -> dict[str, Any]:
    """Patches of 16 voxels, of 8 in small images; axes of coarse spacing have smaller ones. On a processor narrower."""
    most, finest = (8 if max(need.size) <= SMALL_IMAGE else LARGEST), min(need.spacing)
    patch = [max(1, most // 2 ** round(math.log2(s / finest))) for s in need.spacing]
    return {"size": list(need.size), "patch": patch, "width": 1.0 if need.gpu else 0.5}


def multiple(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """Whole patches."""
    return tuple(arguments["patch"])


def layers(network: nn.Module) -> list[str]:
    """The patches, every block, and up the decoder."""
    blocks: Any = network.blocks
    return ["patches", *(f"blocks.{i}" for i in range(len(blocks))), *(f"decoder.{i}" for i in range(LEVELS))]


UNETR_NETWORK = Architecture(
    build=build,
    answers=frozenset({"label_map"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Hatamizadeh 2021, arXiv 2103.10504; own code of MONAI's blocks",
)
