"""A label map read at the places of a sampling grid: of each voxel the label with the largest share, as in
`overread.imaging.grid.labels`. What is sampled for that goes through the same call as the image, which finds places and
weights once."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.imaging.grid.labels import TIE

FEW = 3
"""Labels up to which each one's share is read. Of more, mean and mean square of their ranks say where only one is."""
ONE_LABEL = 0.05
"""Variance of ranks below which other labels have less than 5.3% of a voxel, however near their rank, so that the mean
rounds to the one label; float32 makes an error of up to 0.01 of 256 ranks."""


class Ranks:
    """A label map ``(*spatial)`` of up to 256 labels, as channels to be sampled and back.

    Attributes
    ----------
    channels
        How many channels `fill` needs.
    """

    def __init__(self, labels: Tensor) -> None:
        plain = labels.numpy()
        if plain.dtype == np.uint8:
            # Counting is many times faster than sorting.
            self._names = np.flatnonzero(np.bincount(plain.ravel(), minlength=256)).astype(np.uint8)
            rank = np.zeros(256, np.uint8)
            rank[self._names] = np.arange(len(self._names))
            codes: NDArray[Any] = rank[plain]
        else:
            self._names, codes = np.unique(plain, return_inverse=True)
            codes = codes.reshape(plain.shape)
        self._codes = torch.from_numpy(codes)
        count = len(self._names)
        self.channels = count - 1 if count <= FEW else 2

    def fill(self, out: Tensor) -> None:
        """Write the channels into ``(channels, *spatial)``."""
        if len(self._names) <= FEW:
            for k, share in enumerate(out, 1):
                share.copy_(self._codes == k)
        else:
            torch.sub(self._codes, self._middle, out=out[0])
            torch.square(out[0], out=out[1])

    def read(self, sampled: Tensor, grid: Tensor) -> Tensor:
        """``(*size)``: the labels, from the channels that were sampled with the ``(*size, d)`` grid."""
        count = len(self._names)
        size = grid.shape[:-1]
        if count == 1:
            return torch.from_numpy(np.full(size, self._names[0]))
        index = _largest(sampled) if count <= FEW else self._of_ranks(sampled, grid)
        return torch.from_numpy(self._names[index.numpy()])

    @property
    def _middle(self) -> float:
        return (len(self._names) - 1) / 2

    def _of_ranks(self, sampled: Tensor, grid: Tensor) -> Tensor:
        mean, square = sampled
        mixed = torch.nonzero((square - mean * mean >= ONE_LABEL).flatten()).flatten()
        index = mean.add(self._middle).round_().clamp_(0, len(self._names) - 1).to(torch.int64).flatten()
        if len(mixed):
            index[mixed] = _voted(self._codes, grid.reshape(-1, grid.shape[-1])[mixed])
        return index.view(mean.shape)


def _largest(shares: Tensor) -> Tensor:
    """The rank with the largest share, of equals the largest; ``shares`` are of all but the first, which has what the
    others leave."""
    best, whole = shares[0].clone(), shares[0].clone()
    index = torch.ones(best.shape, dtype=torch.uint8)
    for k, share in enumerate(shares[1:], 2):
        index.masked_fill_(share >= best - TIE, k)
        torch.maximum(best, share, out=best)
        whole += share
    return index.mul_(best.add_(whole) >= 1 - TIE)


def _voted(codes: Tensor, places: Tensor) -> Tensor:
    """The rank with the largest weight of those around each place ``(n, d)``, -1 to 1 over the map, last axis first."""
    d = codes.ndim
    flat = codes.flatten()
    at = [(((places[:, d - 1 - a] + 1) * n - 1) / 2).clamp_(0, n - 1) for a, n in enumerate(codes.shape)]
    low = [x.floor() for x in at]
    beyond = [x - f for x, f in zip(at, low, strict=True)]
    found, weights = [], []
    for corner in product((0, 1), repeat=d):
        index = torch.zeros(len(places), dtype=torch.int64)
        weight = torch.ones(len(places))
        for a, (step, n) in enumerate(zip(corner, codes.shape, strict=True)):
            index = index * n + (low[a].long() + step).clamp_(max=n - 1)
            weight = weight * (beyond[a] if step else 1 - beyond[a])
        found.append(flat[index].long())
        weights.append(weight)
    best = torch.full((len(places),), -1.0)
    winner = torch.zeros(len(places), dtype=torch.int64)
    for one in found:
        total = torch.zeros(len(places))
        for other, weight in zip(found, weights, strict=True):
            total += weight * (one == other)
        wins = (total > best + TIE) | ((total >= best - TIE) & (one > winner))
        winner = torch.where(wins, one, winner)
        best = torch.maximum(best, total)
    return winner
