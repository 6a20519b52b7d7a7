"""VGG with batch normalisation (Simonyan 2014, arXiv 1409.1556), 2D and 3D: its convolutions, then pool and head.

Own code, since no library has the 3D form; the 2D body has the parameters of torchvision's and timm's ``vgg*_bn``, by
the same numbers. The dense layers of 4096 units, nine tenths of its weights, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import nn

from overread.nets.architecture import WHOLE_IMAGE, Architecture, full_resolution
from overread.nets.classifier import classifier
from overread.nets.downsample import exchange_pools
from overread.nets.layers import LAYERS, halve, initialise, scaled, small_stem

WIDTHS = (64, 128, 256, 512, 512)


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    blocks: Sequence[int],
    small_stem: bool = False,
    width: float = 1.0,
    downsample: str | None = None,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``blocks`` convolutions in each of five stages, each stage but for the first two, where ``small_stem``, ending in a
    pool.
    """
    of = LAYERS[dimensions]
    body, inputs = nn.Sequential(), channels
    for i, (count, outputs) in enumerate(zip(blocks, scaled(WIDTHS, width), strict=True)):
        for _ in range(count):
            body.extend(
                [of.conv(inputs, outputs, 3, padding=1), of.batch_norm(outputs), nn.ReLU(inplace=True)]
            )
            inputs = outputs
        # A layer that does nothing keeps the numbers of those behind it.
        body.append(nn.Identity() if small_stem and i < 2 else halve("max", dimensions))
    initialise(body)
    exchanged = exchange_pools(body, downsample, dimensions=dimensions, channels=channels)
    return classifier(exchanged, inputs, labels, dimensions=dimensions, pool=pool, dropout=dropout)


def layers(network: nn.Module, *, blocks: Sequence[int]) -> list[str]:
    """The last of each stage before its pool."""
    ends = [sum(3 * b + 1 for b in blocks[: i + 1]) - 2 for i in range(len(blocks))]
    return [f"body.{end}" for end in ends]


def _vgg(*blocks: int) -> Architecture:
    return Architecture(
        build=partial(build, blocks=blocks),
        answers=WHOLE_IMAGE,
        arguments=small_stem,
        multiple=full_resolution,
        layers=partial(layers, blocks=blocks),
        source="Simonyan 2014, arXiv 1409.1556; own code",
    )


VGGS = {"vgg11": _vgg(1, 1, 2, 2, 2), "vgg16": _vgg(2, 2, 3, 3, 3), "vgg19": _vgg(2, 2, 4, 4, 4)}
