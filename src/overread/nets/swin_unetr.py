"""Swin UNETR: attention within shifted windows as encoder (Hatamizadeh 2022, arXiv 2201.01266), 2D and 3D.

Of MONAI's blocks; its own network makes the masks of its windows in the graph, whose export takes 20 times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from overread.nets.architecture import Architecture, Need, Outputs
from overread.nets.encoder_decoder import INSTANCE, answers, heads
from overread.nets.layers import LAYERS, channels_first, channels_last, scaled
from overread.nets.swin import HEADS, Stage
from overread.nets.tokens import Patches

FEATURES, PATCH = 48, 2
STAGES = len(HEADS)


class SwinUNETR(nn.Module):
    """See `build`."""

    def __init__(
        self,
        dimensions: int,
        channels: int,
        labels: int,
        blocks: Sequence[int],
        features: int,
        supervised: int,
    ) -> None:
        super().__init__()
        from monai.networks.blocks.dynunet_block import UnetResBlock
        from monai.networks.blocks.unetr_block import UnetrUpBlock

        ones = [1] * dimensions
        self.patches = Patches(dimensions, channels, features, [PATCH] * dimensions)
        self.stages = nn.ModuleList(
            Stage(dimensions, features * 2**i, blocks[i], HEADS[i], merge=True) for i in range(STAGES)
        )
        # The image, the patches, and the map behind each stage.
        wide = [features, features, *(features * 2 ** (i + 1) for i in range(STAGES))]
        # The smallest image has one cell left in the last map, which is no instance to normalise over.
        norms = [INSTANCE] * (len(wide) - 1) + [("group", {"num_groups": HEADS[0]})]
        # The map behind the last stage but one goes to the decoder as it is.
        self.beside = nn.ModuleList(
            nn.Identity()
            if i == len(wide) - 2
            else UnetResBlock(dimensions, channels if i == 0 else wide[i], wide[i], 3, ones, norms[i])
            for i in range(len(wide))
        )
        self.decoder = nn.ModuleList(
            UnetrUpBlock(dimensions, wide[i + 1], wide[i], 3, 2, INSTANCE, res_block=True)
            for i in reversed(range(len(wide) - 1))
        )
        self.head = LAYERS[dimensions].conv(features, labels, 1)
        self.supervision = nn.ModuleList(
            heads("swin_unetr", dimensions, wide[1:-1], labels, supervised=supervised)
        )

    def forward(self, x: Tensor) -> Tensor | Outputs:
        """Logits; in training with the coarser ones, by name."""
        seen = [self.beside[0](x)]
        cells = self.patches(x)
        seen.append(self.beside[1](_normed(cells)))
        for stage, beside in zip(self.stages, list(self.beside)[2:], strict=True):
            cells = stage(cells)
            seen.append(beside(_normed(cells)))
        out, maps = seen.pop(), []
        for block in self.decoder:
            out = block(out, seen.pop())
            maps.append(out)
        return answers(self.head(out), maps, self.supervision, training=self.training)


def _normed(x: Tensor) -> Tensor:
    """Each cell of a map with mean 0 and variance 1 over its channels."""
    return channels_first(F.layer_norm(channels_last(x), (int(x.shape[1]),)))


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    blocks: Sequence[int] = (2, 2, 2, 2),
    width: float = 1.0,
    supervised: int = 0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``; sizes are multiples of 32.

    Patches of 2 voxels become cells; ``blocks`` of attention in each of four stages, whose cells are halved and
    channels doubled behind it. Windows have 7 cells per axis in 2D, 4 in 3D (of the authors: 7), and what is learnt
    belongs to places within a window: any size will do. ``width`` multiplies all channels, 48 at first. ``supervised``
    coarser maps of the decoder are learnt from too.
    """
    if len(blocks) != STAGES or min(blocks) < 1:
        raise ValueError(f"blocks: found {list(blocks)}, expected {STAGES} numbers from 1")
    # Channels must share evenly among the heads of every stage.
    [share] = scaled([FEATURES // HEADS[0]], width)
    return SwinUNETR(dimensions, channels, labels, blocks, share * HEADS[0], supervised)


def arguments(need: Need) -> dict[str, Any]:
    """48 channels at first; on a processor 24."""
    return {"width": 1.0 if need.gpu else 0.5}


def multiple(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """The patch, four times halved."""
    return (PATCH * 2**STAGES,) * dimensions


def layers(network: nn.Module) -> list[str]:
    """The patches, every stage, and up the decoder."""
    up: Any = network.decoder
    return ["patches", *(f"stages.{i}" for i in range(STAGES)), *(f"decoder.{i}" for i in range(len(up)))]


SWIN_UNETR = Architecture(
    build=build,
    answers=frozenset({"label_map"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Hatamizadeh 2022, arXiv 2201.01266; own code of MONAI's blocks",
)
