"""DenseNet, where every layer sees all before it (Huang 2016, arXiv 1608.06993), 2D and 3D, by MONAI."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import nn

from overread.nets.architecture import WHOLE_IMAGE, Architecture, full_resolution
from overread.nets.classifier import classifier
from overread.nets.downsample import exchange_pools
from overread.nets.layers import LAYERS, halve, scaled, small_stem

FIRST, GROWTH = 64, 32


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

    ``blocks`` layers in each of four stages. ``small_stem``: the first layer is 3 voxels wide without stride and pool,
    and not 7 wide with both.
    """
    from monai.networks.nets.densenet import DenseNet

    of = LAYERS[dimensions]
    first, growth = scaled((FIRST, GROWTH), width)
    whole = DenseNet(dimensions, channels, labels, first, growth, tuple(blocks))
    body: Any = whole.features
    if small_stem:
        body.conv0 = of.conv(channels, first, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(body.conv0.weight)
        del body.pool0
    for name, part in body.named_children():
        if name.startswith("transition"):
            part.pool = halve("average", dimensions)
    body.add_module("relu5", nn.ReLU(inplace=True))
    outputs = body.norm5.num_features
    body = exchange_pools(body, downsample, dimensions=dimensions, channels=channels)
    return classifier(body, outputs, labels, dimensions=dimensions, pool=pool, dropout=dropout)


def _densenet(*blocks: int) -> Architecture:
    return Architecture(
        build=partial(build, blocks=blocks),
        answers=WHOLE_IMAGE,
        arguments=small_stem,
        multiple=full_resolution,
        layers=lambda network: [f"body.denseblock{i + 1}" for i in range(len(blocks))],
        source="Huang 2016, arXiv 1608.06993; MONAI DenseNet",
    )


DENSENETS = {"densenet121": _densenet(6, 12, 24, 16), "densenet169": _densenet(6, 12, 32, 32)}
