"""Layers by the number of an image's axes, and what several networks are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.architecture import Need

# Up to here a strided first layer would throw away what little there is.
SMALL_IMAGE = 64
# Narrower layers are no faster: processors and GPUs take channels by eights.
STEP = 8


class Layers(NamedTuple):
    """Convolution, batch normalisation and pools of images of 2 or 3 axes."""

    conv: Any
    batch_norm: Any
    max_pool: Any
    average_pool: Any


LAYERS = {
    2: Layers(nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d),
    3: Layers(nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, nn.AvgPool3d),
}


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of a map ``(batch, F, *cells)``, each cell by itself."""

    def __init__(self, width: int, *, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """The map, of mean 0 and variance 1 over channels before scale and shift."""
        cells = channels_last(x)
        return channels_first(F.layer_norm(cells, self.weight.shape, self.weight, self.bias, self.eps))


def channels_last(x: Tensor) -> Tensor:
    """``(batch, F, *cells)`` to ``(batch, *cells, F)``; by `permute`, since ONNX's form of `movedim` is not loaded."""
    return x.permute(0, *range(2, x.ndim), 1)


def channels_first(x: Tensor) -> Tensor:
    """``(batch, *cells, F)`` to ``(batch, F, *cells)``."""
    return x.permute(0, x.ndim - 1, *range(1, x.ndim - 1))


def halve(kind: str, dimensions: int) -> nn.Module:
    """``max`` or ``average`` of each two cells an axis; a last one by itself is kept: ``ceil(n / 2)`` cells, 1 of 1."""
    return {"max": _Max2d if dimensions == 2 else _Max3d, "average": _Mean2d if dimensions == 2 else _Mean3d}[
        kind
    ](2, 2)


def _even(x: Tensor) -> Tensor:
    """``(batch, F, *cells)`` with the last cell of every odd axis once more."""
    pads = [side for n in reversed(x.shape[2:]) for side in (0, int(n) % 2)]
    return F.pad(x, pads, mode="replicate") if any(pads) else x


class _Max2d(nn.MaxPool2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(_even(x))


class _Max3d(nn.MaxPool3d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(_even(x))


class _Mean2d(nn.AvgPool2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(_even(x))


class _Mean3d(nn.AvgPool3d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(_even(x))


def normalised(
    dimensions: int, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution without bias, which leaves ``ceil(n / stride)`` cells, batch normalisation and ReLU."""
    of = LAYERS[dimensions]
    conv = of.conv(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, of.batch_norm(outputs), nn.ReLU(inplace=True)]


def scaled(widths: Sequence[int], width: float) -> list[int]:
    """``widths`` times ``width`` in steps of 8, at least 8; as they are where ``width`` is 1. Raises InputError."""
    if not width > 0:
        raise InputError(f"network: width: found {width:g}, expected above 0")
    return list(widths) if width == 1 else [max(STEP, round(w * width / STEP) * STEP) for w in widths]


def initialise(module: nn.Module) -> None:
    """Convolutions by He 2015 (arXiv 1502.01852), which keeps the variance through layers of ReLU."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def initialise_tokens(module: nn.Module) -> None:
    """Matrices and kernels of transformers: normal, standard deviation 0.02, cut at two; biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.trunc_normal_(part.weight, std=0.02, a=-0.04, b=0.04)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def small_stem(need: Need) -> dict[str, Any]:
    """Whether the first layers keep the resolution: for images of some 64 voxels and below."""
    return {"small_stem": max(need.size) <= SMALL_IMAGE}
