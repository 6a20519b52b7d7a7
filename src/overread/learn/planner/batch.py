"""How many patches a step learns from."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Voxels of a batch on a processor in 2D: more would be fewer steps, fewer would be noise.
PIXELS = 2**17
MOST, FEWEST = 8, 2


def choose_batch(patch: Sequence[int], *, dimensions: int) -> int:
    """Of volumes two patches; of pictures as many as make about `PIXELS`, from `FEWEST` to `MOST`."""
    return 2 if dimensions == 3 else max(FEWEST, min(MOST, round(PIXELS / math.prod(patch))))
