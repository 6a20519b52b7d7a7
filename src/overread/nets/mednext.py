"""MedNeXt: ConvNeXt's blocks down and up (Roy 2023, arXiv 2303.09975), 2D and 3D, of MONAI's blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from overread.nets.architecture import Architecture, Need
from overread.nets.encoder_decoder import EncoderDecoder, heads, layers
from overread.nets.layers import LAYERS, scaled

FIRST, STAGES = 32, 4


class Up(nn.Module):
    """A block that doubles the cells, what was ``seen`` added, and further blocks."""

    def __init__(self, up: nn.Module, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.up, self.blocks = up, nn.Sequential(*blocks)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """The finer map."""
        out: Tensor = self.blocks(self.up(x) + seen)
        return out


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    blocks: Sequence[int],
    expansions: Sequence[int],
    kernel: int = 3,
    width: float = 1.0,
    supervised: int = 0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``; sizes are multiples of 16.

    ``blocks`` and ``expansions`` are those of the four stages down and the lowest; the stages up mirror them.
    ``kernel`` is 3, 5 or 7 voxels. ``width`` multiplies all channels, 32 at full resolution. ``supervised`` coarser
    maps of the decoder are learnt from too.
    """
    if kernel not in (3, 5, 7):
        raise ValueError(f"kernel: found {kernel}, expected 3, 5 or 7")
    from monai.networks.blocks.mednext_block import MedNeXtBlock, MedNeXtDownBlock, MedNeXtUpBlock

    [first] = scaled([FIRST], width)
    wide = [first * 2**i for i in range(STAGES + 1)]
    how: dict[str, Any] = {"kernel_size": kernel, "use_residual_connection": True, "dim": f"{dimensions}d"}

    def same(i: int) -> list[nn.Module]:
        return [MedNeXtBlock(wide[i], wide[i], expansions[i], **how) for _ in range(blocks[i])]

    encoder: list[nn.Module] = []
    for i in range(STAGES + 1):
        into = (
            MedNeXtDownBlock(wide[i - 1], wide[i], expansions[i - 1], **how)
            if i
            else LAYERS[dimensions].conv(channels, first, 1)
        )
        encoder.append(nn.Sequential(into, *same(i)))
    decoder = [
        Up(MedNeXtUpBlock(wide[i + 1], wide[i], expansions[i], **how), same(i))
        for i in reversed(range(STAGES))
    ]
    head = LAYERS[dimensions].conv(first, labels, 1)
    coarser = heads("mednext", dimensions, wide[1:-1], labels, supervised=supervised)
    return EncoderDecoder(encoder, decoder, head, supervision=coarser)


def arguments(need: Need) -> dict[str, Any]:
    """Kernels of 3 voxels; in volumes on a processor half the channels."""
    return {"kernel": 3, "width": 0.5 if need.dimensions == 3 and not need.gpu else 1.0}


def multiple(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """Four times halved."""
    return (2**STAGES,) * dimensions


def _mednext(blocks: Sequence[int], expansions: Sequence[int]) -> Architecture:
    return Architecture(
        build=partial(build, blocks=blocks, expansions=expansions),
        answers=frozenset({"label_map"}),
        arguments=arguments,
        multiple=multiple,
        layers=layers,
        source="Roy 2023, arXiv 2303.09975; blocks of MONAI",
    )


MEDNEXTS = {
    "mednext_small": _mednext((2, 2, 2, 2, 2), (2, 2, 2, 2, 2)),
    "mednext_base": _mednext((2, 2, 2, 2, 2), (2, 3, 4, 4, 4)),
    "mednext_medium": _mednext((3, 4, 4, 4, 4), (2, 3, 4, 4, 4)),
    "mednext_large": _mednext((3, 4, 8, 8, 8), (3, 4, 8, 8, 8)),
}
