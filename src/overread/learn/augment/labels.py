"""A label map read at any places: of each the label with the largest share, as in `overread.imaging.grid.labels`.

Nearly everywhere all the neighbours of a place have one label: a map of these, made once, is read there by its first
neighbour alone. What lies between several labels is voted on.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from overread.imaging.grid.labels import TIE
from overread.learn.augment.linear import Cells, between, corners

MIXED = -1


class LabelReader:
    """A label map ``(*spatial)`` of integers, on any device, to be read in blocks of cells."""

    def __init__(self, labels: Tensor) -> None:
        self._type = labels.dtype
        self._names: Tensor | None = None
        codes = labels
        if labels.dtype != torch.uint8:
            self._names, codes = torch.unique(labels, return_inverse=True)
        low, high = codes, codes
        for axis, n in enumerate(labels.shape):
            if n > 1:
                low, high = (
                    f(x.narrow(axis, 0, n - 1), x.narrow(axis, 1, n - 1))
                    for f, x in ((torch.minimum, low), (torch.maximum, high))
                )
        # Cells begin at every voxel but the last of each axis; the others are never asked for.
        small = torch.int16 if codes.dtype == torch.uint8 else torch.int32
        cells = torch.full(labels.shape, MIXED, dtype=small, device=labels.device)
        cells[tuple(slice(n) for n in low.shape)] = low.to(small).masked_fill_(low != high, MIXED)
        self._cells, self._codes = cells.flatten(), codes.flatten()

    def __call__(self, cells: Cells) -> Tensor:
        """``(n,)``: the labels there, of the map's own type."""
        found = self._cells.index_select(0, cells.first)
        mixed = _below_zero(found)
        if len(mixed):
            part = Cells(cells.first[mixed], tuple(b[mixed] for b in cells.beyond), cells.steps)
            found[mixed] = _voted(self._codes, part).to(found.dtype)
        return found.to(self._type) if self._names is None else self._names[found.long()]


def _voted(codes: Tensor, cells: Cells) -> Tensor:
    """The code with the largest share of each cell, of equals the largest."""
    each = torch.stack([value for _, value in corners(codes, cells)])
    low, high = torch.aminmax(each, dim=0)
    is_high = each == high
    share = between(list(is_high.float()), cells.beyond)
    # Most lie between two labels: the higher one wins with half.
    winner = torch.where(share >= (1 - TIE) / 2, high, low)
    more = torch.nonzero(~(is_high | (each == low)).all(dim=0)).flatten()
    if len(more):
        winner[more] = _of_several(each[:, more], tuple(b[more] for b in cells.beyond))
    return winner


def _of_several(values: Tensor, beyond: tuple[Tensor, ...]) -> Tensor:
    """As `_voted` for ``(corners, n)`` codes, of any number of labels."""
    best = torch.full_like(beyond[0], -1.0)
    winner = torch.zeros_like(values[0])
    for one in values:
        total = between(list((values == one).float()), beyond)
        wins = (total > best + TIE) | ((total >= best - TIE) & (one > winner))
        winner = torch.where(wins, one, winner)
        best = torch.maximum(best, total)
    return winner


def _below_zero(found: Tensor) -> Tensor:
    """Where ``found`` ``(n,)`` is negative; NumPy looks several times faster than PyTorch does on a processor."""
    if found.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(found.numpy() < 0))
    return torch.nonzero(found < 0).flatten()
