"""Ideal outputs of a detection network for given boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from overread.imaging.boxes import Boxes

LABELS = 2


def draw(boxes: Boxes, spatial: Sequence[int], stride: Sequence[int]) -> dict[str, np.ndarray]:
    """Heat, size and offset: logit 5 in each centre's cell and -8 elsewhere, falling off around each centre."""
    step = np.array(stride)
    cells = tuple(-(-n // s) for n, s in zip(spatial, stride, strict=True))
    heat = np.full((LABELS, *cells), -8.0, np.float32)
    size = np.zeros((boxes.axes, *cells), np.float32)
    offset = np.zeros((boxes.axes, *cells), np.float32)
    grid = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), -1)
    for low, high, label in zip(boxes.low, boxes.high, boxes.labels, strict=True):
        centre = (low + high) / 2 / step
        cell = np.minimum(centre.astype(int), np.array(cells) - 1)
        away = np.square(grid - cell).sum(axis=-1)
        heat[label] = np.maximum(heat[label], 5 - 4 * away)
        size[(slice(None), *cell)] = np.log(high - low)
        offset[(slice(None), *cell)] = centre - cell
    return {"heat": heat, "size": size, "offset": offset}


def scattered(rng: np.random.Generator, n: int, spatial: Sequence[int]) -> Boxes:
    """Up to 4 boxes, each in a quarter of its own of the first axis, so that no centres lie in neighbouring cells."""
    d, room = len(spatial), spatial[0] / 4
    slots = rng.permutation(4)[:n]
    centre = np.stack([rng.uniform(8, m - 8, n) for m in spatial], axis=1) if n else np.zeros((0, d))
    extent = rng.uniform(2, 12, (n, d))
    centre[:, 0] = (slots + rng.uniform(0.3, 0.7, n)) * room
    extent[:, 0] = rng.uniform(0.5, 6, n)
    return Boxes.of(centre - extent / 2, centre + extent / 2, rng.integers(0, LABELS, n), axes=d)
