"""Residual network for whole images, 2D and 3D (He 2015, arXiv 1512.03385), by MONAI."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import nn

from overread.errors import InputError
from overread.nets.architecture import WHOLE_IMAGE, Architecture, Need, full_resolution
from overread.nets.classifier import classifier
from overread.nets.downsample import exchange_pools
from overread.nets.layers import SMALL_IMAGE, scaled, small_stem

STAGES = 4
PAPER = (64, 128, 256, 512)


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    blocks: Sequence[int],
    small_stem: bool,
    bottleneck: bool = False,
    width: float = 1.0,
    downsample: str | None = None,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``widths`` and ``blocks`` are the channels and residual blocks of the four stages. ``small_stem`` keeps the full
    resolution in the first layer (3-voxel kernel, no pooling), as images of some 64 pixels and below need it; otherwise
    the first layer is the 7-voxel kernel with stride 2 and pooling. ``bottleneck`` blocks give four times the stage's
    channels. ``width`` multiplies all channels. ``downsample`` is how pools shrink (`overread.nets.downsample`),
    ``pool`` one of `overread.nets.pool.POOLS`, and ``dropout`` comes before the head.
    """
    for key, value in (("widths", widths), ("blocks", blocks)):
        if len(value) != STAGES or min(value) < 1:
            raise InputError(f"network resnet: {key}: found {list(value)}, expected {STAGES} numbers from 1")
    from monai.networks.nets.resnet import ResNet

    wide = scaled(widths, width)
    whole = ResNet(
        block="bottleneck" if bottleneck else "basic",
        layers=list(blocks),
        block_inplanes=wide,
        spatial_dims=dimensions,
        n_input_channels=channels,
        feed_forward=False,
        conv1_t_size=3 if small_stem else 7,
        conv1_t_stride=1 if small_stem else 2,
        no_max_pool=small_stem,
        bias_downsample=False,
    )
    body: nn.Module = nn.Sequential(
        OrderedDict(
            (name, part)
            for name, part in whole.named_children()
            if name != "avgpool" and not (small_stem and name == "maxpool")
        )
    )
    body = exchange_pools(body, downsample, dimensions=dimensions, channels=channels)
    outputs = wide[-1] * (4 if bottleneck else 1)
    return classifier(body, outputs, labels, dimensions=dimensions, pool=pool, dropout=dropout)


def arguments(need: Need) -> dict[str, Any]:
    """One block a stage and a full-resolution first layer for small images, two and a strided one for others."""
    small, first = max(need.size) <= SMALL_IMAGE, need.first_width or 32
    return {
        "widths": [first * 2**i for i in range(STAGES)],
        "blocks": [1 if small else 2] * STAGES,
        "small_stem": small and need.first_stride == 1,
    }


def layers(network: nn.Module) -> list[str]:
    """The four stages."""
    return [f"body.layer{i + 1}" for i in range(STAGES)]


def _resnet(*blocks: int, bottleneck: bool = False) -> Architecture:
    return Architecture(
        build=partial(build, widths=PAPER, blocks=blocks, small_stem=False, bottleneck=bottleneck),
        answers=WHOLE_IMAGE,
        arguments=small_stem,
        multiple=full_resolution,
        layers=layers,
        source=SOURCE,
    )


SOURCE = "He 2015, arXiv 1512.03385; MONAI ResNet"
RESNETS = {
    "resnet": Architecture(
        build=build,
        answers=WHOLE_IMAGE,
        arguments=arguments,
        multiple=full_resolution,
        layers=layers,
        source=SOURCE,
    ),
    "resnet18": _resnet(2, 2, 2, 2),
    "resnet34": _resnet(3, 4, 6, 3),
    "resnet50": _resnet(3, 4, 6, 3, bottleneck=True),
}
