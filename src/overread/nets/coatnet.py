"""CoAtNet: convolutions first, attention behind (Dai 2021, arXiv 2106.04803), 2D and 3D.

Own code, since no library has the 3D form. Attention has biases by relative place, interpolated for other sizes.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.architecture import WHOLE_IMAGE, Architecture, Need, full_resolution
from overread.nets.classifier import classifier
from overread.nets.efficientnet import SqueezeExcite
from overread.nets.layers import LAYERS, SMALL_IMAGE, ChannelNorm, initialise_tokens, scaled
from overread.nets.tokens import Attention, RelativeBias, dense, to_map, to_tokens

EXPANSION, HEAD = 4, 32


class Convolutions(nn.Module):
    """Inverted bottleneck with the norm first; the first of a stage shrinks the map by ``stride``."""

    def __init__(self, dimensions: int, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        of, wide = LAYERS[dimensions], EXPANSION * outputs
        self.shortcut = _shortcut(dimensions, inputs, outputs, stride)
        self.main = nn.Sequential(
            of.batch_norm(inputs),
            of.conv(inputs, wide, 1, bias=False),
            of.batch_norm(wide),
            nn.GELU(),
            of.conv(wide, wide, 3, stride, 1, groups=wide, bias=False),
            of.batch_norm(wide),
            nn.GELU(),
            SqueezeExcite(dimensions, wide, outputs // 4),
            of.conv(wide, outputs, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, *cells)`` to ``(batch, outputs, *ceil(cells / stride))``."""
        out: Tensor = self.shortcut(x) + self.main(x)
        return out


class Transformer(nn.Module):
    """Attention by content and relative place, then two dense layers; the first of a stage halves the map."""

    def __init__(self, dimensions: int, inputs: int, outputs: int, stride: int, grid: Sequence[int]) -> None:
        super().__init__()
        heads = next(n for n in range(max(1, outputs // HEAD), 0, -1) if outputs % n == 0)
        self.shortcut = _shortcut(dimensions, inputs, outputs, stride)
        self.norm1 = ChannelNorm(inputs)
        # The paper attends in the channels of the stage: these are brought to them first.
        self.enter = _shortcut(dimensions, inputs, outputs, stride)
        self.attn, self.bias = Attention(outputs, heads), RelativeBias(heads, grid)
        self.norm2, self.mlp = nn.LayerNorm(outputs, eps=1e-6), dense(outputs, EXPANSION)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, *cells)`` to ``(batch, outputs, *ceil(cells / stride))``."""
        near, entered = self.shortcut(x), self.enter(self.norm1(x))
        cells = [int(n) for n in entered.shape[2:]]
        tokens = to_tokens(near) + self.attn(to_tokens(entered), self.bias(cells))
        tokens = tokens + self.mlp(self.norm2(tokens))
        return to_map(tokens, cells)


def _shortcut(dimensions: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    of, parts = LAYERS[dimensions], nn.Sequential()
    if stride > 1:
        parts.append(of.max_pool(3, stride, 1))
    if inputs != outputs:
        parts.append(of.conv(inputs, outputs, 1))
    return parts


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    size: Sequence[int],
    blocks: Sequence[int],
    widths: Sequence[int],
    small_stem: bool = False,
    width: float = 1.0,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    ``blocks`` and ``widths`` are those of five stages: plain convolutions, two of inverted bottlenecks, two of
    attention. Relative places are learnt for images of ``size`` voxels. ``small_stem``: the first two stages keep the
    resolution.
    """
    if len(size) != dimensions or min(size) < 1:
        raise InputError(f"network coatnet: size: found {list(size)}, expected {dimensions} numbers from 1")
    of, wide = LAYERS[dimensions], scaled(widths, width)
    stem, inputs, shrunk = nn.Sequential(), channels, 1
    for i in range(blocks[0]):
        stride = 1 if i or small_stem else 2
        stem.append(of.conv(inputs, wide[0], 3, stride, 1, bias=False))
        stem.extend([of.batch_norm(wide[0]), nn.GELU()])
        inputs, shrunk = wide[0], shrunk * stride
    stages: OrderedDict[str, nn.Module] = OrderedDict(stage0=stem)
    for i, (count, outputs) in enumerate(zip(blocks[1:], wide[1:], strict=True), start=1):
        stage = nn.Sequential()
        first = 1 if i == 1 and small_stem else 2
        shrunk *= first
        for j in range(count):
            stride = 1 if j else first
            if i < 3:
                stage.append(Convolutions(dimensions, inputs, outputs, stride))
            else:
                grid = [math.ceil(n / shrunk) for n in size]
                stage.append(Transformer(dimensions, inputs, outputs, stride, grid))
            inputs = outputs
        stages[f"stage{i}"] = stage
    body = nn.Sequential(stages)
    initialise_tokens(body)
    norm = nn.LayerNorm(inputs, eps=1e-6) if pool != "adaptive" else None
    return classifier(body, inputs, labels, dimensions=dimensions, pool=pool, dropout=dropout, norm=norm)


def arguments(need: Need) -> dict[str, Any]:
    """Full resolution at the start for small pictures; attention could not pay for that in volumes."""
    small = max(need.size) <= SMALL_IMAGE
    return {"size": list(need.size), "small_stem": small}


def _coatnet(blocks: Sequence[int], widths: Sequence[int]) -> Architecture:
    return Architecture(
        build=partial(build, blocks=blocks, widths=widths),
        answers=WHOLE_IMAGE,
        arguments=arguments,
        multiple=full_resolution,
        layers=lambda network: [f"body.stage{i}" for i in range(len(blocks))],
        source="Dai 2021, arXiv 2106.04803; own code",
    )


COATNETS = {
    "coatnet_nano": _coatnet((2, 2, 3, 4, 2), (32, 64, 128, 192, 256)),
    "coatnet_0": _coatnet((2, 2, 3, 5, 2), (64, 96, 192, 384, 768)),
}
