"""How large the windows are in which an image is answered: as large as the image where memory allows."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Voxels of a window: its features need some hundred bytes for each, and over many more a norm's statistics in float32
# differ from one library to the other (0.002 of a logit at a million voxels).
MOST_VOXELS = 2**18


def choose_window(
    size: Sequence[int], patch: Sequence[int], multiple: Sequence[int], *, most: int = MOST_VOXELS
) -> list[int]:
    """The median image's ``size``, rounded up to ``multiple``, where that is at most ``most`` voxels.

    Training needs many small patches, an answer needs every voxel once: windows that overlap answer most of them
    several times. Else the axes of the ``patch`` are doubled, the shortest first, as far as the image and ``most`` let
    them. Never smaller than the patch.
    """
    whole = [max(p, math.ceil(n / m) * m) for n, p, m in zip(size, patch, multiple, strict=True)]
    if math.prod(whole) <= most:
        return whole
    window = list(patch)
    while True:
        able = [
            a
            for a, (w, n) in enumerate(zip(window, whole, strict=True))
            if w < n and math.prod(window) // w * min(2 * w, n) <= most
        ]
        if not able:
            return window
        axis = min(able, key=lambda a: window[a])
        window[axis] = min(2 * window[axis], whole[axis])
