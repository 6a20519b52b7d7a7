"""Boxes as what a centre network should say (Zhou 2019, arXiv 1904.07850; ellipses as Liu 2019, arXiv 1909.00700)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from overread.learn.augment.boxes import MovedBoxes
from overread.learn.losses.protocol import Tensors

# Of the Gaussian around a centre, by extent of the box in cells: TTFNet's 0.54 / 6.
DEVIATION = 0.54 / 6


def center_targets(moved: MovedBoxes, size: Sequence[int], *, stride: Sequence[int], labels: int) -> Tensors:
    """Targets of one patch of ``size`` voxels, on its grid of ``size / stride`` cells.

    - ``heat`` ``(labels, *cells)``: 1 in the cell of a centre, a Gaussian around it; NaN where only a remnant of an
      object is left, which is neither there nor not there.
    - ``size`` ``(d, *cells)``: natural logarithm of the extent in voxels; ``offset`` ``(d, *cells)``: place of the
      centre within its cell, in cells, 0 to 1. Both NaN but at centres; of two in one cell the smaller box has it.
    """
    d, cells = len(size), [n // s for n, s in zip(size, stride, strict=True)]
    heat = np.zeros((labels, *cells), np.float32)
    extents, offsets = np.full((2, d, *cells), np.nan, np.float32)
    for low, high in zip(moved.remnants.low / stride, moved.remnants.high / stride, strict=True):
        part = tuple(slice(math.floor(a), math.ceil(b)) for a, b in zip(low, high, strict=True))
        heat[(slice(None), *part)] = np.nan
    boxes = moved.boxes
    extent = boxes.high - boxes.low
    for k in np.argsort(-np.prod(extent, axis=1), kind="stable"):
        centre = (boxes.low[k] + boxes.high[k]) / 2 / stride
        cell = np.minimum(centre.astype(int), np.array(cells) - 1)
        here = heat[boxes.labels[k]]
        bump = np.ones([1] * d, np.float32)
        for axis, n in enumerate(cells):
            deviation = max(extent[k, axis] / stride[axis] * DEVIATION, 1e-3)
            line = np.exp(-0.5 * ((np.arange(n) - cell[axis]) / deviation) ** 2)
            bump = bump * line.reshape([-1 if a == axis else 1 for a in range(d)]).astype(np.float32)
        # Beside a remnant the centre of a whole object is still known.
        np.copyto(here, np.fmax(here, bump), where=~np.isnan(here) | (bump == 1))
        extents[(slice(None), *cell)] = np.log(np.maximum(extent[k], 1e-3))
        offsets[(slice(None), *cell)] = centre - cell
    return {
        "heat": torch.from_numpy(heat),
        "size": torch.from_numpy(extents),
        "offset": torch.from_numpy(offsets),
    }
