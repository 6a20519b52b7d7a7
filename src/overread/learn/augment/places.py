"""Where each voxel of a patch is read, slab by slab: affine and elastic part in one, so that an image is read once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.learn.augment.spatial import CONTROL_POINTS, Spatial, matrix_of, rising, spline_weights

BLOCK = 1 << 17
"""Voxels of a slab on a processor: their places, weights and values lie in a cache of a few MiB. Whole volumes at
a time would be written to memory that the system has to clear first, which takes as long as all the computing."""


class Places:
    """Where the voxels of a patch of ``size`` are read, in voxels of an image whose first one has its centre at 0.

    The patch begins at voxel ``start``; ``spacing`` is the distance of voxels per axis, equal if not given: rotations
    are rigid in mm, not in voxels.
    """

    def __init__(
        self,
        change: Spatial,
        size: Sequence[int],
        *,
        start: Sequence[float] | None = None,
        spacing: Sequence[float] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size, self.device = tuple(size), torch.device(device)
        matrix, d = matrix_of(change, size, spacing), len(self.size)
        extent = np.asarray(size, float).reshape(-1, *[1] * d)
        # A spline whose control points rise evenly is a straight line: the affine part is bent in with the rest.
        lines = [np.arange(n) if change.control is None else rising(n) for n in size]
        # Each axis adds what it contributes to every coordinate.
        parts: list[NDArray[np.float64]] = []
        for a, (line, n) in enumerate(zip(lines, size, strict=True)):
            shape = [d, *[-1 if i == a else 1 for i in range(d)]]
            parts.append((matrix[:, a, None] * ((2 * line + 1) / n - 1)).reshape(shape) * extent / 2)
        first = np.zeros(d) if start is None else np.asarray(start, float)
        parts[0] = parts[0] + (np.asarray(change.shift) + 1).reshape(extent.shape) * extent / 2 - 0.5
        parts[0] = parts[0] + first.reshape(extent.shape)
        self._bent = change.control is not None
        if change.control is not None:
            field = self._tensor(sum(parts) + np.asarray(change.control, float) * extent / 2)
            for axis, n in enumerate(self.size[1:-1], 1):
                field = torch.tensordot(field, self._basis(n), dims=([axis + 1], [1])).movedim(-1, axis + 1)
            self._rows, self._rest = field, self._basis(self.size[-1]).T.contiguous()
        else:
            self._rows = self._tensor(parts[0])
            self._rest = self._tensor(sum(parts[1:], np.zeros([d, *[1] * d])))

    def slabs(self) -> Iterator[tuple[slice, Tensor]]:
        """Rows of the patch, and where they are read ``(d, rows, *size[1:])``."""
        rows = self.size[0]
        if self.device.type == "cpu":
            rows = max(1, BLOCK // max(1, math.prod(self.size[1:])))
        for first in range(0, self.size[0], rows):
            part = slice(first, min(first + rows, self.size[0]))
            yield part, self._slab(part)

    def whole(self) -> Tensor:
        """``(d, *size)``: all at once."""
        return torch.cat([slab for _, slab in self.slabs()], dim=1)

    def bounds(self) -> list[tuple[float, float]]:
        """The lowest and the highest place along each axis."""
        each = [torch.stack(torch.aminmax(slab.flatten(1), dim=1)) for _, slab in self.slabs()]
        low, high = torch.stack(each).unbind(1)
        return list(zip(low.amin(0).tolist(), high.amax(0).tolist(), strict=True))

    def _slab(self, part: slice) -> Tensor:
        if not self._bent:
            return self._rows[:, part] + self._rest
        rows = torch.tensordot(self._basis(self.size[0])[part], self._rows, dims=([1], [1])).movedim(0, 1)
        return (rows.reshape(-1, CONTROL_POINTS) @ self._rest).view(len(self.size), -1, *self.size[1:])

    def _basis(self, n: int) -> Tensor:
        return _basis_of_voxels(n).to(self.device)

    def _tensor(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.device)


@lru_cache(maxsize=32)
def _basis_of_voxels(n: int) -> Tensor:
    return torch.from_numpy(spline_weights(np.arange(n, dtype=float), n).astype(np.float32))
