"""Small slides made to order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile


def slide(path: Path, seed: int) -> Path:
    """Write a tiled TIFF of two levels, 96 x 128 pixels of noise, in the form in which many slides are published."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(seed).integers(0, 255, (128, 96, 3), np.uint8)
    with tifffile.TiffWriter(path) as f:
        f.write(array, tile=(64, 64), photometric="rgb", metadata=None)
        half = np.ascontiguousarray(array[::2, ::2])
        f.write(half, tile=(64, 64), photometric="rgb", subfiletype=1, metadata=None)
    return path
