"""AlexNet (Krizhevsky 2012; in the form of arXiv 1404.5997), 2D and 3D: its five convolutions, then pool and head.

Own code, since no library has the 3D form. The two dense layers of 4096 units, nine tenths of its weights, tied it to
images of one size and are left out. Padding keeps ``ceil(n / stride)`` cells at every pool.
"""

from __future__ import annotations

from torch import nn

from overread.nets.architecture import WHOLE_IMAGE, Architecture, full_resolution
from overread.nets.classifier import classifier
from overread.nets.downsample import exchange_pools
from overread.nets.layers import LAYERS, initialise, scaled, small_stem

WIDTHS = (64, 192, 384, 256, 256)


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

    ``small_stem``: the first layer is 5 voxels wide without a stride, and not 11 wide with stride 4.
    """
    of = LAYERS[dimensions]
    a, b, c, d, e = scaled(WIDTHS, width)
    first = of.conv(channels, a, 5, 1, 2) if small_stem else of.conv(channels, a, 11, 4, 5)
    body: nn.Module = nn.Sequential(
        nn.Sequential(first, nn.ReLU(inplace=True)),
        of.max_pool(3, 2, 1),
        nn.Sequential(of.conv(a, b, 5, 1, 2), nn.ReLU(inplace=True)),
        of.max_pool(3, 2, 1),
        nn.Sequential(of.conv(b, c, 3, 1, 1), nn.ReLU(inplace=True)),
        nn.Sequential(of.conv(c, d, 3, 1, 1), nn.ReLU(inplace=True)),
        nn.Sequential(of.conv(d, e, 3, 1, 1), nn.ReLU(inplace=True)),
        of.max_pool(3, 2, 1),
    )
    initialise(body)
    body = exchange_pools(body, downsample, dimensions=dimensions, channels=channels)
    return classifier(body, e, labels, dimensions=dimensions, pool=pool, dropout=dropout)


ALEXNET = Architecture(
    build=build,
    answers=WHOLE_IMAGE,
    arguments=small_stem,
    multiple=full_resolution,
    layers=lambda network: [f"body.{i}" for i in (0, 2, 4, 5, 6)],
    source="Krizhevsky 2012, arXiv 1404.5997; own code",
)
