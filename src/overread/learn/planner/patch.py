"""How much of an image a network sees at once (rules of nnU-Net: Isensee 2021, doi 10.1038/s41592-020-01008-z)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from overread.nets.architecture import Architecture, Need
from overread.runtime.sliding_window import OVERLAP, starts

# The most voxels that the network sees at once, and the fewest worth seeing.
CPU_PATCH = {2: 256 * 256, 3: 64 * 64 * 48}
GPU_PATCH = {2: 512 * 512, 3: 128 * 128 * 96}
SMALLEST_PATCH = {2: 64 * 64, 3: 32 * 32 * 32}
# The side of a patch by the typical object's, and the smallest where nothing asks for less.
AROUND = {2: 4, 3: 4}
SMALLEST_USUAL = {2: 128 * 128, 3: 32 * 32 * 32}
# Slices this many times as far apart as voxels within them show too little of what lies between.
COARSE = 3


def most_voxels(dimensions: int, *, gpu: bool) -> int:
    """Largest patch for a processor or a GPU."""
    return (GPU_PATCH if gpu else CPU_PATCH)[dimensions]


def fit_patch(made: Architecture, need: Need, limit: int) -> tuple[list[int], dict[str, Any]]:
    """Patch of at most ``limit`` voxels inside ``need.size``, and the network's arguments that go with it.

    Sizes are rounded up to a multiple of what the network needs. While the patch is too large, the axis that is longest
    in mm is shrunk; it stays above ``limit`` only where every axis is at its smallest.
    """
    size = list(need.size)
    while True:
        arguments = made.arguments(replace(need, size=tuple(size)))
        multiple = made.multiple(arguments, need.dimensions)
        patch = [math.ceil(n / m) * m for n, m in zip(size, multiple, strict=True)]
        if math.prod(patch) <= limit:
            return patch, arguments
        # Shrink the axis that is longest in mm, to the next multiple below.
        extent = [p * s if p > m else -1.0 for p, s, m in zip(patch, need.spacing, multiple, strict=True)]
        axis = int(np.argmax(extent))
        size[axis] = patch[axis] - multiple[axis]
        if extent[axis] < 0:
            return patch, arguments


def fit_size(made: Architecture, need: Need, limit: int) -> list[int]:
    """``need.size`` shrunk in its proportions to at most ``limit`` voxels, in multiples of what the network needs."""
    scale = min(1.0, (limit / math.prod(need.size)) ** (1 / need.dimensions))
    size = [n * scale for n in need.size]
    arguments = made.arguments(
        replace(
            need,
            size=tuple(max(1, round(n)) for n in size),
            object_size=tuple(s * scale for s in need.object_size),
        )
    )
    multiple = made.multiple(arguments, need.dimensions)
    found = [max(1, round(n / m)) * m for n, m in zip(size, multiple, strict=True)]
    while math.prod(found) > limit and any(n > m for n, m in zip(found, multiple, strict=True)):
        # The axis that was rounded up most gives way.
        excess = [n / want if n > m else 0.0 for n, want, m in zip(found, size, multiple, strict=True)]
        axis = int(np.argmax(excess))
        found[axis] -= multiple[axis]
    return found


def object_limit(extents: Sequence[float], *, dimensions: int, limit: int) -> int:
    """Voxels that show the largest kind of typical object, of ``extents`` voxels, and what is around it.

    At most ``limit``, at least the smallest patch worth seeing: more of an image at once would be fewer of them in the
    same time. Without extents it is ``limit``.
    """
    if not extents:
        return limit
    around = (AROUND[dimensions] * max(extents)) ** dimensions
    return int(min(limit, max(SMALLEST_USUAL[dimensions], around)))


def windows_of(size: Sequence[int], patch: Sequence[int], *, overlap: float = OVERLAP) -> int:
    """How many windows, whose neighbours share ``overlap`` of their length, answer an image of ``size``."""
    return math.prod(len(starts(max(n, p), p, overlap)) for n, p in zip(size, patch, strict=True))


def coarse_axis(spacing: Sequence[float]) -> int | None:
    """The axis of thick slices, if there is one."""
    return int(np.argmax(spacing)) if max(spacing) > COARSE * min(spacing) else None
