"""What transformers for images are made of: patches, attention, and positions for any size. Tokens stay a map."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from overread.nets.architecture import Need
from overread.nets.layers import LAYERS

# Tokens per axis that attention over all of them can still pay for.
MOST_TOKENS = {2: 16, 3: 8}
LINEAR = {2: "bilinear", 3: "trilinear"}


def Patches(dimensions: int, inputs: int, outputs: int, size: Sequence[int]) -> nn.Module:  # noqa: N802
    """A convolution that looks at each patch of ``size`` voxels once; the image is padded to whole patches.

    ``(batch, inputs, *spatial)`` to ``(batch, outputs, *ceil(spatial / size))``.
    """
    base: Any = LAYERS[dimensions].conv
    return _padded(base)(inputs, outputs, tuple(size), tuple(size))


def _padded(base: Any) -> Any:
    return {nn.Conv2d: _Patches2d, nn.Conv3d: _Patches3d}[base]


class _Patches2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_to_multiple(x, self.stride))


class _Patches3d(nn.Conv3d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_to_multiple(x, self.stride))


def pad_to_multiple(x: Tensor, size: Sequence[int]) -> Tensor:
    """Zeros behind the end of every axis of ``(batch, channels, *spatial)`` until it is a multiple of ``size``."""
    missing = [-int(n) % s for n, s in zip(x.shape[2:], size, strict=True)]
    pads = [side for m in reversed(missing) for side in (0, m)]
    return F.pad(x, pads) if any(pads) else x


def choose_patch(need: Need) -> list[int]:
    """Voxels per axis of a patch: the smallest power of two that leaves at most `MOST_TOKENS`, from 2 on."""
    most = MOST_TOKENS[need.dimensions]
    return [max(2, 2 ** math.ceil(math.log2(n / most))) for n in need.size]


def resize_positions(positions: Tensor, cells: Sequence[int]) -> Tensor:
    """What belongs to places ``(1, F, *grid)`` for a grid of ``cells``, by linear interpolation between them."""
    if tuple(positions.shape[2:]) == tuple(cells):
        return positions
    return F.interpolate(positions, size=tuple(cells), mode=LINEAR[len(cells)], align_corners=False)


class Positions(nn.Module):
    """Adds to each cell of a map what is learnt for its place (Dosovitskiy 2020, arXiv 2010.11929).

    ``grid`` are the cells it is learnt for; for others it is interpolated.
    """

    def __init__(self, width: int, grid: Sequence[int]) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.zeros(1, width, *grid))
        nn.init.trunc_normal_(self.embedding, std=0.02, a=-0.04, b=0.04)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, F, *cells)`` to the same."""
        return x + resize_positions(self.embedding, [int(n) for n in x.shape[2:]])


class RelativeBias(nn.Module):
    """For each head what a cell thinks of another by where that one lies from it (Shaw 2018, arXiv 1803.02155).

    Learnt for all distances in a ``grid`` of cells, interpolated for other grids (as CoAtNet, arXiv 2106.04803).
    """

    def __init__(self, heads: int, grid: Sequence[int]) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(1, heads, *(2 * n - 1 for n in grid)))
        nn.init.trunc_normal_(self.table, std=0.02, a=-0.04, b=0.04)

    def forward(self, cells: Sequence[int]) -> Tensor:
        """``(1, heads, n, n)``, added to the scores of ``n`` cells in array order."""
        table = resize_positions(self.table, [2 * n - 1 for n in cells])
        places = torch.stack(
            torch.meshgrid(*(torch.arange(n, device=table.device) for n in cells), indexing="ij")
        ).flatten(1)
        index = torch.zeros((), dtype=torch.long, device=table.device)
        for axis, n in enumerate(cells):
            apart = places[axis][:, None] - places[axis][None, :] + n - 1
            index = index * (2 * n - 1) + apart
        return table.flatten(2)[:, :, index]


class Attention(nn.Module):
    """Every token looks at all (Vaswani 2017, arXiv 1706.03762): ``(batch, n, F)`` to the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """``bias`` ``(1, heads, n, n)`` is added to the scores."""
        batch, n, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        y: Tensor = self.proj(out.transpose(1, 2).reshape(batch, n, width))
        return y


def dense(width: int, expansion: int) -> nn.Sequential:
    """Two dense layers, the first ``expansion`` times as wide."""
    hidden = expansion * width
    return nn.Sequential(
        OrderedDict(fc1=nn.Linear(width, hidden), act=nn.GELU(), fc2=nn.Linear(hidden, width))
    )


def to_tokens(x: Tensor) -> Tensor:
    """``(batch, F, *cells)`` to ``(batch, n, F)``."""
    return x.flatten(2).transpose(1, 2)


def to_map(tokens: Tensor, cells: Sequence[int]) -> Tensor:
    """``(batch, n, F)`` back to ``(batch, F, *cells)``."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], *cells)
