"""EfficientNet (Tan 2019, arXiv 1905.11946), 2D and 3D: inverted bottlenecks that weigh their channels.

Own code: MONAI's pads for one size of image, and its activation does not go through ONNX. The 2D body has the
parameters of timm's ``efficientnet_*``, by the same names.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import partial

from torch import Tensor, nn

from overread.nets.architecture import WHOLE_IMAGE, Architecture, full_resolution
from overread.nets.classifier import classifier
from overread.nets.layers import LAYERS, STEP, initialise, small_stem

# Repeats, kernel, stride, expansion and channels of each stage of B0.
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


class SqueezeExcite(nn.Module):
    """A weight for each channel from the means of all (Hu 2017, arXiv 1709.01507); the map keeps its shape."""

    def __init__(self, dimensions: int, width: int, hidden: int) -> None:
        super().__init__()
        conv = LAYERS[dimensions].conv
        self.conv_reduce, self.conv_expand = conv(width, hidden, 1), conv(hidden, width, 1)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        """The map, its channels weighed from 0 to 1."""
        means = x.mean(tuple(range(2, x.ndim)), keepdim=True)
        weights: Tensor = self.conv_expand(self.act(self.conv_reduce(means))).sigmoid()
        return x * weights


class Bottleneck(nn.Module):
    """Wide, a convolution a channel, narrow again (Sandler 2018, arXiv 1801.04381), with squeeze and excitation."""

    def __init__(
        self, dimensions: int, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        of, wide = LAYERS[dimensions], inputs * expansion
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion > 1:
            parts |= {"conv_pw": of.conv(inputs, wide, 1, bias=False), "bn1": of.batch_norm(wide)}
            parts |= {"act1": nn.SiLU(inplace=True)}
        deep, narrow = ("bn2", "bn3") if expansion > 1 else ("bn1", "bn2")
        parts["conv_dw"] = of.conv(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False)
        parts |= {deep: of.batch_norm(wide), "act2": nn.SiLU(inplace=True)}
        parts["se"] = SqueezeExcite(dimensions, wide, max(1, round(inputs / 4)))
        last = "conv_pwl" if expansion > 1 else "conv_pw"
        parts |= {last: of.conv(wide, outputs, 1, bias=False), narrow: of.batch_norm(outputs)}
        for name, part in parts.items():
            self.add_module(name, part)
        self.keeps = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, *cells)`` to ``(batch, outputs, *ceil(cells / stride))``."""
        out = x
        for part in self.children():
            out = part(out)
        return x + out if self.keeps else out


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    wider: float,
    deeper: float,
    small_stem: bool = False,
    width: float = 1.0,
    pool: str = "average",
    dropout: float = 0.2,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``wider`` and ``deeper`` are the compound scaling of B0's channels and repeats. ``small_stem``: the first two
    strides are left out.
    """
    of, by = LAYERS[dimensions], wider * width
    stem, features = _channels(STEM * by), _channels(FEATURES * by)
    stages, inputs, halved = [], stem, 0 if small_stem else 1
    for repeats, kernel, stride, expansion, channels_b0 in STAGES:
        outputs = _channels(channels_b0 * by)
        halved += stride - 1
        first = 1 if small_stem and halved == 1 else stride
        stage = nn.Sequential()
        for i in range(math.ceil(repeats * deeper)):
            step = first if i == 0 else 1
            block = Bottleneck(dimensions, inputs, outputs, kernel=kernel, stride=step, expansion=expansion)
            stage.append(block)
            inputs = outputs
        stages.append(stage)
    body = nn.Sequential(
        OrderedDict(
            conv_stem=of.conv(channels, stem, 3, 1 if small_stem else 2, 1, bias=False),
            bn1=of.batch_norm(stem),
            act1=nn.SiLU(inplace=True),
            blocks=nn.Sequential(*stages),
            conv_head=of.conv(inputs, features, 1, bias=False),
            bn2=of.batch_norm(features),
            act2=nn.SiLU(inplace=True),
        )
    )
    initialise(body)
    return classifier(body, features, labels, dimensions=dimensions, pool=pool, dropout=dropout)


def _channels(wanted: float) -> int:
    """In steps of 8, and never over a tenth below what is wanted."""
    near = max(STEP, int(wanted + STEP / 2) // STEP * STEP)
    return near + STEP if near < 0.9 * wanted else near


def _efficientnet(wider: float, deeper: float) -> Architecture:
    return Architecture(
        build=partial(build, wider=wider, deeper=deeper),
        answers=WHOLE_IMAGE,
        arguments=small_stem,
        multiple=full_resolution,
        layers=lambda network: [*(f"body.blocks.{i}" for i in range(len(STAGES))), "body.act2"],
        source="Tan 2019, arXiv 1905.11946; own code",
    )


EFFICIENTNETS = {
    "efficientnet_b0": _efficientnet(1.0, 1.0),
    "efficientnet_b2": _efficientnet(1.1, 1.2),
    "efficientnet_b4": _efficientnet(1.4, 1.8),
}
