"""Inception: GoogLeNet with batch normalisation (Szegedy 2014, arXiv 1409.4842; Ioffe 2015, arXiv 1502.03167), 2D, 3D.

Own code, since no library has the 3D form. As in torchvision's ``googlenet`` the branch of 5 voxels has 3, and the
helper heads of training are left out, which batch normalisation makes needless.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from overread.nets.architecture import WHOLE_IMAGE, Architecture, full_resolution
from overread.nets.classifier import classifier
from overread.nets.downsample import exchange_pools
from overread.nets.layers import LAYERS, initialise, normalised, scaled, small_stem

STEM = (64, 64, 192)
# Of each module: 1 voxel; 1 then 3 voxels; 1 then 3 voxels, in the paper 5; 1 voxel after a pool.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
# Modules after which the map is halved.
HALVED = ("3b", "4e")


class Inception(nn.Module):
    """Four ways of looking side by side: ``(batch, inputs, *cells)`` to ``(batch, outputs, *cells)``."""

    def __init__(self, dimensions: int, inputs: int, widths: list[int]) -> None:
        super().__init__()
        a, b1, b, c1, c, d = widths
        one = normalised
        self.branch1 = nn.Sequential(*one(dimensions, inputs, a, 1))
        self.branch2 = nn.Sequential(*one(dimensions, inputs, b1, 1), *one(dimensions, b1, b, 3))
        self.branch3 = nn.Sequential(*one(dimensions, inputs, c1, 1), *one(dimensions, c1, c, 3))
        pool = LAYERS[dimensions].max_pool(3, 1, 1)
        self.branch4 = nn.Sequential(pool, *one(dimensions, inputs, d, 1))
        self.outputs = a + b + c + d

    def forward(self, x: Tensor) -> Tensor:
        """The channels of the branches one after the other."""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    small_stem: bool = False,
    width: float = 1.0,
    downsample: str | None = None,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``small_stem``: the first layer is 3 voxels wide without stride and pool, and not 7 wide with both.
    """
    of = LAYERS[dimensions]
    a, b, c = scaled(STEM, width)
    first = normalised(dimensions, channels, a, 3 if small_stem else 7, stride=1 if small_stem else 2)
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(
            *first,
            nn.Identity() if small_stem else of.max_pool(3, 2, 1),
            *normalised(dimensions, a, b, 1),
            *normalised(dimensions, b, c, 3),
        ),
        pool2=of.max_pool(3, 2, 1),
    )
    inputs = c
    for name, widths in MODULES.items():
        module = Inception(dimensions, inputs, scaled(widths, width))
        parts[f"inception{name}"], inputs = module, module.outputs
        if name in HALVED:
            parts[f"pool{name}"] = of.max_pool(3, 2, 1)
    body: nn.Module = nn.Sequential(parts)
    initialise(body)
    body = exchange_pools(body, downsample, dimensions=dimensions, channels=channels)
    return classifier(body, inputs, labels, dimensions=dimensions, pool=pool, dropout=dropout)


INCEPTION = Architecture(
    build=build,
    answers=WHOLE_IMAGE,
    arguments=small_stem,
    multiple=full_resolution,
    layers=lambda network: ["body.stem", *(f"body.inception{name}" for name in MODULES)],
    source="Szegedy 2014, arXiv 1409.4842; Ioffe 2015, arXiv 1502.03167; own code",
)
