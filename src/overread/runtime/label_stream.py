"""A label map decided while windows are blended: slab by slab, label by label, on the grid of the image.

Of the probabilities only a slab is ever held. Each row that is final on the network's grid is brought to the image's
own grid by the same matrices as a whole volume would be (`overread.imaging.grid.zoom`); where the image's rows are
complete, the likeliest label is written and the probabilities are forgotten. What is asked of them later, their sums,
is added up on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.imaging.grid.zoom import NEGLIGIBLE, Block, along, blocks_of, zoom_matrix
from overread.runtime.maps import MAP, STEPS
from overread.runtime.outputs import Outputs
from overread.runtime.probability import entropy
from overread.runtime.quality import sums_of

Array = NDArray[np.float32]
PIECE = 1 << 20
"""Numbers of one label that are decided at once."""
HALF = 0.5


@dataclass(frozen=True)
class Axis:
    """One axis: ``of`` is the part of the network's grid (of what the image fills there) that was answered, ``to`` the
    image's rows that it reaches, ``matrix (to, of)`` brings one to the other, and None where they are the same."""

    of: slice
    to: slice
    matrix: NDArray[np.float64] | None
    cover: NDArray[np.float64]

    @classmethod
    def between(cls, n: int, m: int, of: slice) -> Axis:
        """From ``n`` voxels, of which ``of`` are answered, to ``m``."""
        if n == m:
            return cls(of, of, None, np.ones(of.stop - of.start))
        part = zoom_matrix(n, m, 1)[:, of]
        reached = np.flatnonzero((np.abs(part) > NEGLIGIBLE).any(axis=1))
        to = slice(int(reached[0]), int(reached[-1]) + 1)
        return cls(of, to, part[to], part[to].sum(axis=1))

    def blocks(self, rows: slice, columns: slice) -> list[Block]:
        """The matrix between some of its rows and columns."""
        assert self.matrix is not None
        return blocks_of(self.matrix[rows, columns])

    def needs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Of each image row the first answered row that it needs, and the one after the last."""
        count = self.to.stop - self.to.start
        if self.matrix is None:
            return np.arange(count), np.arange(1, count + 1)
        used = np.abs(self.matrix) > NEGLIGIBLE
        return used.argmax(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1)


class LabelStream:
    """Takes slabs of probabilities in order, along ``axis``, and holds the label map that they give.

    Parameters
    ----------
    axes
        Of the network's and the image's grid.
    size
        Voxels of the image per axis.
    labels
        Channels of the probabilities.
    paints
        Empty where of each voxel the likeliest label counts, the first being the background; else of each channel the
        label that it paints where it is above a half, one after the other.
    maps
        Whether the probabilities themselves are to be kept in `STEPS` steps: of every label but the background.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        size: Sequence[int],
        *,
        axis: int,
        labels: int,
        paints: Sequence[int] = (),
        maps: bool = False,
    ) -> None:
        self._axes, self._axis, self._paints, self._labels = tuple(axes), axis, tuple(paints), labels
        self.mask = np.zeros(tuple(size), np.uint8)
        shown = range(0 if paints else 1, labels)
        self.maps = {k: np.zeros(tuple(size), np.uint8) for k in shown} if maps else {}
        self._first, self._after = self._axes[axis].needs()
        self._rows: list[Array] = []
        self._base, self._have, self._next = 0, 0, 0
        self._sums = {key: np.zeros(labels) for key in ("voxels", "expected", "agreed")}
        self._entropy, self._found = 0.0, 0

    def take(self, p: Array) -> None:
        """``(labels, *slab)``: the next answered rows along the axis; across it all that was answered."""
        self._add_up(p)
        rows = max(1, PIECE // max(1, p[0].size // p.shape[self._axis + 1]))
        for at in range(0, p.shape[self._axis + 1], rows):
            part = p[self._at(slice(at, at + rows), channels=True)]
            for a, one in enumerate(self._axes):
                if a != self._axis and one.matrix is not None:
                    blocks = one.blocks(slice(None), slice(None))
                    part = np.concatenate([along(blocks, channel[None], a + 1) for channel in part])
            self._have += part.shape[self._axis + 1]
            # The stream takes its memory back.
            self._rows.append(part.copy() if np.shares_memory(part, p) else part)
            self._write()

    def outputs(self) -> Outputs:
        """``mask`` and ``maps`` on the image's grid, sums over voxels of the network's: see `overread.runtime.quality`
        for ``voxels``, ``expected`` and ``agreed (labels,)``; ``entropy (1,)`` is the mean in the mask."""
        found = self._entropy / self._found if self._found else 0.0
        out: dict[str, Any] = {"mask": self.mask, "entropy": np.array([found]), **self._sums}
        return out | {f"{MAP}{k}": values for k, values in self.maps.items()}

    def _at(self, rows: slice, *, channels: bool = False) -> tuple[slice, ...]:
        cut = [slice(None)] * len(self._axes)
        cut[self._axis] = rows
        return (slice(None), *cut) if channels else tuple(cut)

    def _write(self) -> None:
        """Every image row whose rows of the network's grid have come."""
        one = self._axes[self._axis]
        last = int(np.searchsorted(self._after, self._have, side="right"))
        if last <= self._next:
            return
        rows = self._rows[0] if len(self._rows) == 1 else np.concatenate(self._rows, axis=self._axis + 1)
        plane = rows[0].size // rows.shape[self._axis + 1]
        most = max(1, PIECE // plane)
        for at in range(self._next, last, most):
            end = min(last, at + most)
            low, high = int(self._first[at:end].min()), int(self._after[at:end].max())
            columns = self._at(slice(low - self._base, high - self._base))
            blocks = None if one.matrix is None else one.blocks(slice(at, end), slice(low, high))
            self._decide(rows, columns, blocks, at, end)
        self._next = last
        keep = int(self._first[last:].min()) if last < len(self._first) else self._have
        kept = rows[self._at(slice(keep - self._base, None), channels=True)]
        self._rows, self._base = [kept.copy()] if kept.size else [], keep

    def _decide(
        self, rows: Array, columns: tuple[slice, ...], blocks: list[Block] | None, at: int, end: int
    ) -> None:
        start = self._axes[self._axis].to.start
        target = tuple(
            slice(start + at, start + end) if a == self._axis else one.to for a, one in enumerate(self._axes)
        )
        mask = self.mask[target]
        best: Array | None = None
        for k, channel in enumerate(rows):
            p = channel[columns]
            if blocks is not None:
                p = along(blocks, p[None], self._axis + 1)[0]
            if k == 0 and not self._paints:
                p = self._with_background(p, at, end)
            if k in self.maps:
                self.maps[k][target] = np.rint(np.clip(p, 0, 1) * STEPS)
            if self._paints:
                mask[p > HALF] = self._paints[k]
            elif best is None:
                best = p.copy()
            else:
                mask[p > best] = k
                np.maximum(best, p, out=best)

    def _with_background(self, p: Array, at: int, end: int) -> Array:
        """What was not answered is background: where an image voxel reaches beyond the answered part."""
        cover = np.ones(())
        for a, one in enumerate(self._axes):
            cover = cover[..., None] * (one.cover[at:end] if a == self._axis else one.cover)
        missing = 1 - cover
        return p if np.abs(missing).max() < NEGLIGIBLE else (p + missing).astype(np.float32)

    def _add_up(self, p: Array) -> None:
        for key, value in sums_of(p, apart=bool(self._paints)).items():
            self._sums[key] += value
        inside = doubts(p, apart=bool(self._paints))
        self._entropy += float(inside.sum(dtype=np.float64))
        self._found += inside.size


def doubts(p: Array, *, apart: bool = False) -> Array:
    """``(n,)``: entropy, 0 to 1, of each of the n voxels of ``p (labels, *grid)`` that something was found in; of
    channels that stand ``apart`` (regions) the mean of theirs."""
    if not apart:
        return np.asarray(entropy(p[:, p[1:].max(axis=0) > p[0]], axis=0), np.float32)
    inside = p[:, (p > HALF).any(axis=0)]
    return np.asarray(entropy(np.stack([inside, 1 - inside]), axis=0).mean(axis=0), np.float32)
