"""EfficientNet-Lite0 for whole images, 2D and 3D (Tan 2019, arXiv 1905.11946): no squeeze-and-excitation, ReLU6.

Own code, since no library has its 3D form; the 2D one computes what the published weights were trained for, padding
included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from overread.nets.architecture import Architecture, Need, full_resolution
from overread.nets.classifier import classifier

# Repeats, kernel, stride, expansion and width of each stage.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, FEATURES = 32, 1280
# Of the batch normalisations, as the weights were trained.
EPS, MOMENTUM = 1e-3, 0.01


class Same(nn.Module):
    """Zero padding as TensorFlow's SAME: the output has ``ceil(n / stride)`` cells, odd voxels go to the far side."""

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """Pad every spatial axis of ``(batch, channels, *spatial)``."""
        pads: list[int] = []
        for n in reversed(x.shape[2:]):
            missing = max((-(-int(n) // self.stride) - 1) * self.stride + self.kernel - int(n), 0)
            pads += [missing // 2, missing - missing // 2]
        return F.pad(x, pads) if any(pads) else x


def convolution(
    dimensions: int, inputs: int, outputs: int, kernel: int, stride: int = 1, *, depthwise: bool = False
) -> nn.Sequential:
    """Convolution without bias, padded to keep the size over its stride, and batch normalisation."""
    groups = inputs if depthwise else 1
    conv, norm = (nn.Conv2d, nn.BatchNorm2d) if dimensions == 2 else (nn.Conv3d, nn.BatchNorm3d)
    # An odd kernel without a stride is padded alike on both sides: no layer of its own.
    padding = kernel // 2 if stride == 1 else 0
    made: dict[str, nn.Module] = {} if stride == 1 else {"pad": Same(kernel, stride)}
    made["conv"] = conv(inputs, outputs, kernel, stride, padding=padding, groups=groups, bias=False)
    made["norm"] = norm(outputs, eps=EPS, momentum=MOMENTUM)
    layer = nn.Sequential()
    for name, module in made.items():
        layer.add_module(name, module)
    return layer


class Bottleneck(nn.Module):
    """Inverted bottleneck (Sandler 2018, arXiv 1801.04381): wide, a convolution a channel, narrow again."""

    def __init__(
        self, dimensions: int, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = (
            nn.Sequential(convolution(dimensions, inputs, wide, 1), nn.ReLU6())
            if expansion > 1
            else nn.Identity()
        )
        self.depthwise = nn.Sequential(
            convolution(dimensions, wide, wide, kernel, stride, depthwise=True), nn.ReLU6()
        )
        self.project = convolution(dimensions, wide, outputs, 1)
        self.keeps = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, *spatial)`` to ``(batch, outputs, *spatial / stride)``."""
        out: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + out if self.keeps else out


class Body(nn.Module):
    """Image to a map of 1280 features, a cell for 32 voxels an axis."""

    def __init__(self, dimensions: int, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(dimensions, channels, STEM, 3, 2), nn.ReLU6())
        stages, width = [], STEM
        for repeats, kernel, stride, expansion, wide in STAGES:
            blocks = []
            for i in range(repeats):
                blocks.append(
                    Bottleneck(
                        dimensions,
                        width,
                        wide,
                        kernel=kernel,
                        stride=1 if i else stride,
                        expansion=expansion,
                    )
                )
                width = wide
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.last = nn.Sequential(convolution(dimensions, width, FEATURES, 1), nn.ReLU6())

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, *spatial)`` to ``(batch, 1280, *cells)``."""
        out: Tensor = self.last(self.stages(self.stem(x)))
        return out


def build(
    dimensions: int, channels: int, labels: int, *, dropout: float = 0.2, pool: str = "average"
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``dropout`` is that of the features before the head; ``pool`` as in `overread.nets.pool`.
    """
    body = Body(dimensions, channels)
    return classifier(body, FEATURES, labels, dimensions=dimensions, pool=pool, dropout=dropout)


def arguments(need: Need) -> dict[str, Any]:
    """As published: it has one size."""
    return {"dropout": 0.2, "pool": "average"}


def layers(network: nn.Module) -> Sequence[str]:
    """The stem, the seven stages, and the last convolution."""
    return ["body.stem", *(f"body.stages.{i}" for i in range(len(STAGES))), "body.last"]


EFFICIENTNET_LITE0 = Architecture(
    build=build,
    answers=frozenset({"classes", "findings"}),
    arguments=arguments,
    multiple=full_resolution,
    layers=layers,
    source="Tan 2019, arXiv 1905.11946; the Lite form of TensorFlow's TPU models",
)
