"""Residual network for whole images, 2D and 3D (He 2015, arXiv 1512.03385), by MONAI."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from torch import nn

from overread.errors import InputError
from overread.nets.architecture import Architecture, Need, full_resolution
from overread.nets.classifier import classifier

# Up to here a strided first layer would throw away what little there is.
SMALL_IMAGE = 64
STAGES = 4


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    widths: Sequence[int],
    blocks: Sequence[int],
    small_stem: bool,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``widths`` and ``blocks`` are the channels and residual blocks of the four stages. ``small_stem`` keeps the full
    resolution in the first layer (3-voxel kernel, no pooling), as images of some 64 pixels and below need it; otherwise
    the first layer is the 7-voxel kernel with stride 2 and pooling. ``pool`` is one of `overread.nets.pool.POOLS`, and
    ``dropout`` comes before the head.
    """
    for key, value in (("widths", widths), ("blocks", blocks)):
        if len(value) != STAGES or min(value) < 1:
            raise InputError(f"network resnet: {key}: found {list(value)}, expected {STAGES} numbers from 1")
    from monai.networks.nets.resnet import ResNet

    whole = ResNet(
        block="basic",
        layers=list(blocks),
        block_inplanes=list(widths),
        spatial_dims=dimensions,
        n_input_channels=channels,
        feed_forward=False,
        conv1_t_size=3 if small_stem else 7,
        conv1_t_stride=1 if small_stem else 2,
        no_max_pool=small_stem,
    )
    body = nn.Sequential(
        OrderedDict(
            (name, part)
            for name, part in whole.named_children()
            if name != "avgpool" and not (small_stem and name == "maxpool")
        )
    )
    return classifier(body, widths[-1], labels, dimensions=dimensions, pool=pool, dropout=dropout)


def arguments(need: Need) -> dict[str, Any]:
    """One block a stage and a full-resolution first layer for small images, two and a strided one for others."""
    small = max(need.size) <= SMALL_IMAGE
    return {
        "widths": [32, 64, 128, 256],
        "blocks": [1 if small else 2] * STAGES,
        "small_stem": small,
    }


RESNET = Architecture(
    build=build,
    answers=frozenset({"classes", "findings"}),
    arguments=arguments,
    multiple=full_resolution,
    layers=lambda network: [f"body.layer{i + 1}" for i in range(STAGES)],
    source="He 2015, arXiv 1512.03385; MONAI ResNet",
)
