"""Objects as points: heat map of centres, size and offset, 2D and 3D (Zhou 2019, arXiv 1904.07850).

Encoder and decoder are made of MONAI's residual and up-sampling blocks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from overread.errors import InputError
from overread.nets import stages as rule
from overread.nets.architecture import Architecture, Need, Outputs

# Probability of a centre anywhere at the start is 0.1: sigmoid(-2.19); else the empty cells drown the first steps.
HEAT_BIAS = -2.19
# Cells that an object should span, so that two centres side by side have a cell each.
CELLS_PER_OBJECT = 3
COARSEST = 4
DEFAULT_STRIDE = {2: 4, 3: 2}
WIDEST = 256
# Channels of the first stage, by whether there is a GPU: a processor would need seconds for a step at full width.
FIRST_WIDTH = {False: 16, True: 32}
HEADS = ("heat", "size", "offset")


class CenterNet(nn.Module):
    """See `build`."""

    def __init__(
        self,
        dimensions: int,
        channels: int,
        labels: int,
        widths: Sequence[int],
        strides: Sequence[Sequence[int]],
        kernels: Sequence[Sequence[int]],
        last: int,
        object_size: Sequence[float],
    ) -> None:
        super().__init__()
        from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetResBlock, UnetUpBlock

        norm = ("instance", {"affine": True})
        inputs = [channels, *widths[:-1]]
        # The first block has no shortcut: there are no features yet to add to, and torch 2.13 on a processor corrupts
        # memory in the backward pass of a strided convolution of 1 voxel on one channel, channels last.
        self.encoder = nn.ModuleList(
            (UnetResBlock if i else UnetBasicBlock)(
                dimensions, inputs[i], widths[i], list(kernels[i]), list(strides[i]), norm
            )
            for i in range(len(widths))
        )
        self.decoder = nn.ModuleList(
            UnetUpBlock(dimensions, widths[i + 1], widths[i], list(kernels[i]), 1, list(strides[i + 1]), norm)
            for i in reversed(range(last, len(widths) - 1))
        )
        conv = nn.Conv2d if dimensions == 2 else nn.Conv3d
        width = widths[last]
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(
                    conv(width, width, 3, padding=1), nn.LeakyReLU(0.01), conv(width, count, 1)
                )
                for name, count in zip(HEADS, (labels, dimensions, dimensions), strict=True)
            }
        )
        biases = {"heat": [HEAT_BIAS] * labels, "size": [math.log(s) for s in object_size]}
        with torch.no_grad():
            for name in HEADS:
                final: Any = self.heads[name]
                nn.init.normal_(final[-1].weight, std=1e-2)
                final[-1].bias.copy_(torch.tensor(biases.get(name, [0.5] * dimensions)))

    def forward(self, x: Tensor) -> Outputs:
        """``(batch, channels, *spatial)`` to ``heat``, ``size`` and ``offset``, see `build`."""
        seen = []
        for block in self.encoder:
            x = block(x)
            seen.append(x)
        for i, block in enumerate(self.decoder):
            x = block(x, seen[-2 - i])
        return {name: head(x) for name, head in self.heads.items()}


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
    stride: Sequence[int],
    object_size: Sequence[float],
) -> nn.Module:
    """``(batch, channels, *spatial)`` to three outputs of ``spatial / stride`` cells.

    - ``heat`` ``(batch, labels, *cells)``: logits of a centre in the cell.
    - ``size`` ``(batch, d, *cells)``: natural logarithm of the box's extent in input voxels, in array axis order.
    - ``offset`` ``(batch, d, *cells)``: position of the centre within its cell, in cells, 0 to 1.

    ``strides`` are those of the encoder's stages; the decoder comes back up to ``stride`` voxels per cell, which the
    first stages must make together. ``object_size`` (voxels per axis) is the size guessed before anything is learnt.
    """
    rule.check_stages("centernet", dimensions, widths=widths, strides=strides, kernels=kernels)
    reached = [rule.strides_together(strides[: i + 1], dimensions) for i in range(len(strides))]
    if tuple(stride) not in reached:
        raise InputError(
            f"network centernet: stride: found {list(stride)}, expected one that the stages' strides reach: "
            + ", ".join(str(list(s)) for s in reached)
        )
    if len(object_size) != dimensions or min(object_size) <= 0:
        raise InputError(
            f"network centernet: object_size: found {list(object_size)}, expected {dimensions} numbers above 0"
        )
    last = reached.index(tuple(stride))
    return CenterNet(dimensions, channels, labels, widths, strides, kernels, last, object_size)


def arguments(need: Need) -> dict[str, Any]:
    """Stages by nnU-Net's rule; the output's stride as coarse as leaves a typical object three cells."""
    d = need.dimensions
    strides, kernels = rule.stages(need.size, need.spacing)
    reached = [rule.strides_together(strides[: i + 1], d) for i in range(len(strides))]
    stride = max((s for s in reached if _fine_enough(s, need)), default=reached[0], key=math.prod)
    if max(stride) > 1:
        # Nothing comes back to full resolution, so the first stage shrinks at once.
        strides, kernels = [strides[1], *strides[2:]], [kernels[0], *kernels[2:]]
    first = FIRST_WIDTH[need.gpu]
    return {
        "widths": [min(w, WIDEST) for w in rule.widths(first, len(strides), d)],
        "strides": strides,
        "kernels": kernels,
        "stride": list(stride),
        "object_size": [
            round(s, 1) for s in need.object_size or [float(CELLS_PER_OBJECT * s) for s in stride]
        ],
    }


def _fine_enough(stride: Sequence[int], need: Need) -> bool:
    if not need.object_size:
        return max(stride) <= DEFAULT_STRIDE[need.dimensions]
    cells = [n / s for n, s in zip(need.object_size, stride, strict=True)]
    # By the mean over the axes: thick slices have few voxels of an object, whatever the stride.
    return (
        max(stride) <= COARSEST
        and math.prod(cells) ** (1 / len(cells)) >= CELLS_PER_OBJECT
        and min(cells) >= CELLS_PER_OBJECT / 2
    )


def multiple(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """The product of the strides of each axis."""
    return rule.strides_together(arguments["strides"], dimensions)


def layers(network: nn.Module) -> list[str]:
    """Down the encoder and up the decoder."""
    down: Any = network.encoder
    up: Any = network.decoder
    return [*(f"encoder.{i}" for i in range(len(down))), *(f"decoder.{i}" for i in range(len(up)))]


CENTERNET = Architecture(
    build=build,
    answers=frozenset({"objects"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Zhou 2019, arXiv 1904.07850; blocks of MONAI",
    outputs=HEADS,
    stride=lambda arguments, dimensions: tuple(arguments["stride"]),
)
