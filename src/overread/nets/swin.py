"""Swin transformer: attention within windows that shift (Liu 2021, arXiv 2103.14030), 2D and 3D, by MONAI."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from overread.nets.architecture import WHOLE_IMAGE, Architecture, Need, full_resolution
from overread.nets.classifier import classifier
from overread.nets.layers import SMALL_IMAGE, ChannelNorm, channels_first, channels_last, scaled
from overread.nets.tokens import Patches

FIRST = 96
HEADS = (3, 6, 12, 24)
# Cells per axis of a window.
WINDOW = {2: 7, 3: 4}


class Stage(nn.Module):
    """Blocks of MONAI, every second with shifted windows, then a map of half the cells where one follows.

    MONAI's own stage makes its masks in the graph, whose export to ONNX then takes 20 times as long.
    """

    def __init__(self, dimensions: int, width: int, count: int, heads: int, *, merge: bool) -> None:
        super().__init__()
        from monai.networks.nets.swin_unetr import PatchMergingV2, SwinTransformerBlock

        self.window = (WINDOW[dimensions],) * dimensions
        shifts = [tuple(n // 2 if i % 2 else 0 for n in self.window) for i in range(count)]
        self.blocks = nn.ModuleList(SwinTransformerBlock(width, heads, self.window, s) for s in shifts)
        self.downsample = PatchMergingV2(width, spatial_dims=dimensions) if merge else nn.Identity()
        self._masks: dict[tuple[object, ...], Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, F, *cells)`` to the same, or to ``(batch, 2 F, *ceil(cells / 2))``."""
        mask = self._mask([int(n) for n in x.shape[2:]], x.device)
        out = channels_last(x)
        for block in self.blocks:
            out = block(out, mask)
        return channels_first(self.downsample(out))

    def _mask(self, cells: Sequence[int], device: torch.device) -> Tensor:
        """Which cells of a shifted window lay side by side before the shift."""
        from monai.networks.nets.swin_unetr import compute_mask, get_window_size

        key = (*cells, device)
        if key not in self._masks:
            shift = tuple(n // 2 for n in self.window)
            window, shifted = get_window_size(tuple(cells), self.window, shift)
            padded = [-(-n // w) * w for n, w in zip(cells, window, strict=True)]
            self._masks = {key: compute_mask(padded, window, shifted, device)}
        return self._masks[key]


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    blocks: Sequence[int],
    patch: int = 4,
    width: float = 1.0,
    pool: str = "average",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``.

    Patches of ``patch`` voxels per axis become cells; ``blocks`` of attention in each of four stages, whose cells are
    halved between them and channels doubled. Windows have 7 cells per axis in 2D, 4 in 3D.
    """
    # Channels must share evenly among the heads of every stage.
    [share] = scaled([FIRST // HEADS[0]], width)
    first = share * HEADS[0]
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        patch_embed=nn.Sequential(
            Patches(dimensions, channels, first, [patch] * dimensions), ChannelNorm(first)
        )
    )
    for i, (count, heads) in enumerate(zip(blocks, HEADS, strict=True)):
        merge = i + 1 < len(HEADS)
        parts[f"stage{i}"] = Stage(dimensions, first * 2**i, count, heads, merge=merge)
    last = first * 2 ** (len(HEADS) - 1)
    parts["norm"] = ChannelNorm(last, eps=1e-5)
    return classifier(nn.Sequential(parts), last, labels, dimensions=dimensions, pool=pool, dropout=dropout)


def arguments(need: Need) -> dict[str, Any]:
    """Patches of 4 voxels; of 2 in small images."""
    return {"patch": 2 if max(need.size) <= SMALL_IMAGE else 4}


def _swin(*blocks: int) -> Architecture:
    return Architecture(
        build=partial(build, blocks=blocks),
        answers=WHOLE_IMAGE,
        arguments=arguments,
        multiple=full_resolution,
        layers=lambda network: [*(f"body.stage{i}" for i in range(len(HEADS))), "body.norm"],
        source="Liu 2021, arXiv 2103.14030; MONAI",
    )


SWINS = {"swin_tiny": _swin(2, 2, 6, 2), "swin_small": _swin(2, 2, 18, 2)}
