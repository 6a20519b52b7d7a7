"""Where a patch lies in its image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def place_patch(
    spatial: Sequence[int], size: Sequence[int], centre: Sequence[int] | NDArray[np.integer]
) -> tuple[int, ...]:
    """First voxel of a patch of ``size`` around ``centre``, moved so far that the patch lies inside the image.

    ``centre`` is then in the patch. Along an axis that is shorter than the patch it lies in the patch's middle, as in
    `overread.runtime.sliding_window`: the start is negative.
    """
    return tuple(
        min(max(int(c) - s // 2, 0), n - s) if n >= s else -((s - n) // 2)
        for n, s, c in zip(spatial, size, centre, strict=True)
    )
