"""V-Net: residual stages of 5-voxel kernels (Milletari 2016, arXiv 1606.04797), 2D and 3D, of MONAI's blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from overread.nets.architecture import Architecture, Need
from overread.nets.encoder_decoder import EncoderDecoder, heads, layers

FIRST = 16
# Convolutions of the four stages down, and of those up, as in the paper.
DOWN, UP = (2, 3, 3, 3), (3, 3, 2, 1)


class FirstStage(nn.Module):
    """MONAI's first stage, which adds the image to its features and therefore takes a share of their number.

    Channels that are missing up to such a number are 0.
    """

    def __init__(self, dimensions: int, channels: int, width: int, act: tuple[str, dict[str, bool]]) -> None:
        super().__init__()
        from monai.networks.nets.vnet import InputTransition

        taken = next(n for n in range(channels, width + 1) if width % n == 0)
        self.missing = taken - channels
        self.block = InputTransition(dimensions, taken, width, act)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, *spatial)`` to ``(batch, width, *spatial)``."""
        if self.missing:
            x = F.pad(x, [0, 0] * (x.ndim - 2) + [0, self.missing])
        out: Tensor = self.block(x)
        return out


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    first_width: int = FIRST,
    dropout: float = 0.0,
    supervised: int = 0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``; sizes are multiples of 16.

    ``first_width`` are the channels at full resolution, doubled four times. ``dropout`` is that of whole channels in
    the coarse stages; ``supervised`` coarser maps of the decoder are learnt from too. Raises ValueError for more
    channels than the first stage has.
    """
    from monai.networks.nets.vnet import DownTransition, OutputTransition, UpTransition

    first = first_width
    if channels > first:
        raise ValueError(f"found {channels} channels, expected at most {first}, those of the first stage")
    act = ("elu", {"inplace": True})
    encoder: list[nn.Module] = [FirstStage(dimensions, channels, first, act)]
    for i, count in enumerate(DOWN):
        share = dropout if i > 1 else 0.0
        encoder.append(DownTransition(dimensions, first * 2**i, count, act, share, dimensions))
    # A stage up gives as many channels as the one below it has but the lowest: 256, 256, 128, 64, 32 in the paper.
    wide = [first * 16, first * 16, first * 8, first * 4, first * 2]
    decoder = [
        UpTransition(
            dimensions, wide[i], wide[i + 1], UP[i], act, (dropout if i < 2 else 0.0,) * 2, dimensions
        )
        for i in range(len(UP))
    ]
    head = OutputTransition(dimensions, wide[-1], labels, act)
    coarser = heads("vnet", dimensions, wide[-2:0:-1], labels, supervised=supervised)
    return EncoderDecoder(encoder, decoder, head, supervision=coarser)


def arguments(need: Need) -> dict[str, Any]:
    """Those of the paper; in volumes on a processor half the channels."""
    return {
        "first_width": need.first_width or (FIRST // 2 if need.dimensions == 3 and not need.gpu else FIRST)
    }


def multiple(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """Four times halved."""
    return (2 ** len(DOWN),) * dimensions


VNET = Architecture(
    build=build,
    answers=frozenset({"label_map"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Milletari 2016, arXiv 1606.04797; blocks of MONAI",
)
