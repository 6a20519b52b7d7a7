"""LeNet-5, the first of its line (LeCun 1998, doi 10.1109/5.726791), as a convolutional network, 2D and 3D.

Its layers C1 to F6; C5, which saw the whole of a digit, slides over larger images, and the pool follows it.
"""

from __future__ import annotations

from torch import nn

from overread.nets.architecture import WHOLE_IMAGE, Architecture, full_resolution
from overread.nets.classifier import classifier
from overread.nets.downsample import exchange_pools
from overread.nets.layers import LAYERS, halve, scaled

# C1, C3, C5 and F6.
WIDTHS = (6, 16, 120, 84)


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    width: float = 1.0,
    downsample: str | None = None,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``; tanh and averaging, as in the paper."""
    of = LAYERS[dimensions]
    c1, c3, c5, f6 = scaled(WIDTHS, width)
    body: nn.Module = nn.Sequential(
        nn.Sequential(of.conv(channels, c1, 5, padding=2), nn.Tanh()),
        halve("average", dimensions),
        nn.Sequential(of.conv(c1, c3, 5, padding=2), nn.Tanh()),
        halve("average", dimensions),
        nn.Sequential(of.conv(c3, c5, 5, padding=2), nn.Tanh()),
        nn.Sequential(of.conv(c5, f6, 1), nn.Tanh()),
    )
    body = exchange_pools(body, downsample, dimensions=dimensions, channels=channels)
    return classifier(body, f6, labels, dimensions=dimensions, pool=pool, dropout=dropout)


LENET = Architecture(
    build=build,
    answers=WHOLE_IMAGE,
    arguments=lambda need: {},
    multiple=full_resolution,
    layers=lambda network: ["body.0", "body.2", "body.4", "body.5"],
    source="LeCun 1998, doi 10.1109/5.726791; own code",
)
