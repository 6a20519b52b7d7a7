"""Boxes from a centre heat map (Zhou, Wang and Krahenbuhl 2019, arXiv 1904.07850)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.imaging.boxes import Boxes
from overread.runtime.decode.nms import suppress
from overread.runtime.decode.peaks import peaks
from overread.runtime.probability import sigmoid

LARGEST = 1e5
"""No box is longer than this many voxels; an untrained network may claim any number."""


def centre_boxes(
    heat: NDArray[np.floating],
    size: NDArray[np.floating],
    offset: NDArray[np.floating],
    stride: NDArray[np.float64],
    *,
    smallest_score: float,
    overlap: float,
    most: int,
) -> tuple[Boxes, NDArray[np.float64]]:
    """Boxes on the network's input grid, and the heat's logit of each.

    Parameters
    ----------
    heat
        ``(labels, *cells)`` logits: how surely an object's centre lies in a cell.
    size
        ``(d, *cells)``: natural logarithm of the box's extent in voxels, per axis.
    offset
        ``(d, *cells)``: place of the centre within its cell, 0 to 1; what lies outside is moved to the edge.
    stride
        ``(d,)`` voxels to a cell.
    smallest_score, overlap, most
        Least sigmoid of the heat; see `suppress`; peaks of a label that are looked at, best first.

    Returns
    -------
    Scores are the heat's sigmoid. Label by label, best first.
    """
    axes = heat.ndim - 1
    least = float(np.log(smallest_score) - np.log1p(-smallest_score)) if smallest_score > 0 else -np.inf
    lows, highs, labels, logits = [], [], [], []
    for k, layer in enumerate(heat):
        cells = peaks(layer, least)[:most]
        place = tuple(cells.T)
        within = np.clip(offset[(slice(None), *place)].T.astype(np.float64), 0, 1)
        extent = np.exp(np.minimum(size[(slice(None), *place)].T.astype(np.float64), np.log(LARGEST)))
        centre = (cells + within) * stride
        low, high = centre - extent / 2, centre + extent / 2
        kept = suppress(low, high, overlap=overlap)
        lows.append(low[kept])
        highs.append(high[kept])
        labels.append(np.full(len(kept), k))
        logits.append(layer[place][kept].astype(np.float64))
    z = np.concatenate(logits)
    boxes = Boxes.of(
        np.concatenate(lows), np.concatenate(highs), np.concatenate(labels), sigmoid(z), axes=axes
    )
    return boxes, z
