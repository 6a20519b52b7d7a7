"""Greedy non-maximum suppression of boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def suppress(low: NDArray[np.float64], high: NDArray[np.float64], *, overlap: float) -> NDArray[np.int64]:
    """Indices of the boxes ``(n, d)``, best first, that are kept.

    From the first on, each box that is still there drops all later ones whose intersection over union with it is
    above ``overlap``. A box without extent overlaps nothing.
    """
    volume = np.prod(high - low, axis=1)
    left = np.arange(len(low))
    kept: list[int] = []
    while len(left):
        best, rest = left[0], left[1:]
        kept.append(int(best))
        sides = np.minimum(high[best], high[rest]) - np.maximum(low[best], low[rest])
        common = np.prod(np.maximum(sides, 0), axis=1)
        left = rest[common <= overlap * (volume[best] + volume[rest] - common)]
    return np.array(kept, np.int64)
