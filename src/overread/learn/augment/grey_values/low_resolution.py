"""Low resolution, as of thicker slices or a coarser matrix: read at fewer places and interpolated back.

As in nnU-Net (Isensee 2021, doi 10.1038/s41592-020-01008-z).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

SHARE = 0.25
ONE_AXIS = 0.5
"""Of these, how many lose resolution along one axis only."""


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``factor`` by which voxels are fewer, from 1 to 1 + ``most``, for a quarter of the images; ``axis`` is where of
    the axes (0 to below 1) the one lies along which they are, -1 is all of them."""
    coarse, factor, one, axis = (
        rng.random() < SHARE,
        1 + rng.uniform(0, most),
        rng.random() < ONE_AXIS,
        rng.random(),
    )
    return {"factor": factor, "axis": axis if one else -1.0} if coarse else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """Each coarse voxel is the mean of the fine ones; between them it is interpolated linearly."""
    spatial, d = tuple(x.shape[1:]), x.ndim - 1
    chosen = range(d) if drawn["axis"] < 0 else [int(drawn["axis"] * d)]
    coarse = [max(1, round(n / drawn["factor"])) if a in chosen else n for a, n in enumerate(spatial)]
    mode = "bilinear" if d == 2 else "trilinear"
    few = F.interpolate(x[None], coarse, mode="area")
    return F.interpolate(few, spatial, mode=mode, align_corners=False)[0]
