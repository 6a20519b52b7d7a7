"""How large the windows are in which an image is answered: as few voxels as possible, as memory allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

# Voxels of a window: its features need some hundred bytes for each, and over many more a norm's statistics in float32
# differ from one library to the other (0.002 of a logit at a million voxels).
MOST_VOXELS = 2**18


def choose_window(
    size: Sequence[int],
    patch: Sequence[int],
    multiple: Sequence[int],
    *,
    overlap: float,
    most: int = MOST_VOXELS,
) -> list[int]:
    """The window that answers an image of ``size`` with the fewest voxels in all, of at most ``most`` voxels itself.

    Training needs many small patches, an answer needs every voxel once: small windows that share ``overlap`` of their
    length answer most voxels several times. No axis is shorter than the ``patch``'s, each a ``multiple``; the patch
    itself where nothing larger is allowed. Of equals the largest.
    """
    axes = [_lengths(n, p, m, overlap) for n, p, m in zip(size, patch, multiple, strict=True)]
    able = [
        (math.prod(count * length for count, length in way), -math.prod(length for _, length in way), way)
        for way in product(*axes)
        if math.prod(length for _, length in way) <= most
    ]
    if not able:
        return list(patch)
    return [length for _, length in min(able)[2]]


def _lengths(n: int, patch: int, multiple: int, overlap: float) -> list[tuple[int, int]]:
    """Numbers of windows along an axis of ``n`` voxels, and the shortest window that so many are enough for."""
    found = []
    for count in range(1, max(1, math.ceil(n / patch / (1 - overlap))) + 1):
        length = math.ceil(n / (1 + (count - 1) * (1 - overlap)) / multiple) * multiple
        found.append((count, max(patch, length)))
        if length <= patch:
            break
    return found
