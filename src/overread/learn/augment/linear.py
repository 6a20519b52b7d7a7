"""Linear reading of an image at any places, of volumes on a processor several times faster than ``grid_sample``.

That computes one voxel after the other. Here each of the neighbours is gathered for many voxels at once, in blocks that
stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from overread.learn.augment.places import Places


@dataclass(frozen=True)
class Cells:
    """Between which voxels a block of places lies.

    ``first`` is the flat index of the neighbour that is lowest along every axis, ``beyond`` how far the places lie
    beyond it along each axis (0 to 1), ``steps`` the distance in the flat image to the next voxel of each axis.
    """

    first: Tensor
    beyond: tuple[Tensor, ...]
    steps: tuple[int, ...]


def cells_of(places: Tensor, spatial: Sequence[int]) -> Cells:
    """Cells of ``places`` ``(d, n)`` in voxels (0 is the centre of the first), which stays within the image."""
    wide = torch.int64 if _count(spatial) >= 2**31 else torch.int32
    first: Tensor | None = None
    beyond = []
    for line, n in zip(places, spatial, strict=True):
        # The last voxel is reached from the cell before it, to within a rounding error.
        inside = line.clamp(0, float(np.nextafter(np.float32(n - 1), np.float32(0))))
        low = inside.to(wide)
        beyond.append(inside.frac_())
        first = low if first is None else first.mul_(n).add_(low)
    assert first is not None
    steps = tuple(_count(spatial[a + 1 :]) if n > 1 else 0 for a, n in enumerate(spatial))
    return Cells(first, tuple(beyond), steps)


def corners(flat: Tensor, cells: Cells) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    """Values of ``flat`` at each corner of the cells, with which corner it is; the last axis changes fastest."""
    for corner in product((0, 1), repeat=len(cells.steps)):
        offset = sum(c * s for c, s in zip(corner, cells.steps, strict=True))
        yield corner, flat[offset:].index_select(0, cells.first)


def linear(flat: Tensor, cells: Cells) -> Tensor:
    """``(n,)``: the image ``flat`` read between the corners of each cell."""
    return between([value for _, value in corners(flat, cells)], cells.beyond)


def between(values: Sequence[Tensor], beyond: Sequence[Tensor]) -> Tensor:
    """``(n,)`` of the values at each corner, in the order of `corners`, of which the first half is written over."""
    for share in reversed(beyond):
        values = [low.lerp_(high, share) for low, high in zip(values[::2], values[1::2], strict=True)]
    return values[0]


def read(
    channels: Tensor, places: Places, labels: Callable[[Cells], Tensor] | None = None
) -> tuple[Tensor, Tensor | None]:
    """An image ``(channels, *spatial)`` read linearly at ``places``, and labels there.

    Beyond the image its edge is repeated. ``labels`` says what lies in a block of cells (`LabelReader`). Any device;
    volumes on a processor go through `linear`.

    Returns
    -------
    ``(channels, *size)``, and ``(*size)`` where there are ``labels``.
    """
    spatial = channels.shape[1:]
    sampled = len(spatial) == 2 or channels.device.type != "cpu"
    out = channels.new_empty((len(channels), *places.size))
    images = channels.reshape(len(channels), -1)
    found = []
    for rows, at in places.slabs():
        target = out[:, rows]
        if sampled:
            grid = normalised(at, spatial)[None]
            target.copy_(F.grid_sample(channels[None], grid, padding_mode="border", align_corners=False)[0])
        if labels is None and sampled:
            continue
        cells = cells_of(at.reshape(len(spatial), -1), spatial)
        if labels is not None:
            found.append(labels(cells).view(target.shape[1:]))
        if not sampled:
            for image, part in zip(images, target, strict=True):
                part.copy_(linear(image, cells).view(part.shape))
    return out, torch.cat(found) if found else None


def normalised(places: Tensor, spatial: Sequence[int]) -> Tensor:
    """``(*size, d)`` as ``grid_sample`` wants them: -1 to 1 over the image from edge to edge, last axis first."""
    lines = [(2 * line + 1) / n - 1 for line, n in zip(places, spatial, strict=True)]
    return torch.stack(lines[::-1], dim=-1)


def _count(sizes: Sequence[int]) -> int:
    total = 1
    for n in sizes:
        total *= n
    return total
