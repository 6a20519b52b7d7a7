"""Windows blended slab by slab: what no later window touches is final, is handed on, and is forgotten.

Of an image of ``D x H x W`` voxels and k outputs a whole blend holds ``k D H W`` numbers, this one ``k p H W``, with p
the window's length along the axis that it goes along. Nothing else differs: the same windows, weights and sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from overread.runtime.outputs import Network, Outputs

Array = NDArray[np.float32]
PIECE = 1 << 21
"""Numbers of one output that are handed on at once, if a row of them is not more already."""


@dataclass(frozen=True)
class Layout:
    """Where windows of ``size`` lie on an image of ``spatial`` voxels.

    ``before``: voxels of padding before each axis; ``starts``: of the windows along each axis of the padded image, the
    first 0, ascending; ``padding``: by the voxels of the edge, or by zeros. ``stack``: along the last axis, of which a
    window is one voxel long, so many neighbouring slices (an odd number) become channels, one channel's slices after
    the other's; beyond the image its outermost slice is repeated.
    """

    spatial: tuple[int, ...]
    size: tuple[int, ...]
    before: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]
    padding: Literal["edge", "zeros"] = "edge"
    stack: int = 1

    def window(self, array: Array, corner: Sequence[int]) -> Array:
        """``(channels, *size)`` of ``array (channels, *spatial)`` at ``corner`` of the padded image."""
        if self.stack > 1:
            place = corner[-1] - self.before[-1] + np.arange(self.stack) - self.stack // 2
            slices = np.moveaxis(array[..., np.clip(place, 0, self.spatial[-1] - 1)], -1, 1)
            flat = slices.reshape(-1, *slices.shape[2:], 1)
            sheet = replace(self, spatial=(*self.spatial[:-1], 1), before=(*self.before[:-1], 0), stack=1)
            return sheet.window(flat, (*corner[:-1], 0))
        cut, pads = [slice(None)], [(0, 0)]
        for a, s, b, n in zip(corner, self.size, self.before, self.spatial, strict=True):
            low, high = a - b, a - b + s
            cut.append(slice(max(low, 0), min(high, n)))
            pads.append((max(-low, 0), max(high - n, 0)))
        part = array[tuple(cut)]
        if not any(map(any, pads)):
            return part
        return np.pad(part, pads, mode="edge") if self.padding == "edge" else np.pad(part, pads)

    def corners(self, start: int, axis: int) -> Iterator[tuple[int, ...]]:
        """Of all windows that begin at ``start`` along ``axis``."""
        lines = [(start,) if a == axis else line for a, line in enumerate(self.starts)]
        return product(*lines)


@dataclass(frozen=True)
class Weights:
    """Of the windows of one output: ``(*cells)`` of a window, and how many voxels a cell spans along each axis."""

    cells: Array
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Slab:
    """Final ``outputs (k, *cells)`` of the image from row ``start`` to before ``stop`` along the axis of the stream.

    The arrays are valid until the next slab is asked for.
    """

    name: str
    start: int
    stop: int
    output: Array


def best_axis(spatial: Sequence[int], size: Sequence[int]) -> int:
    """The axis along which a stream holds least: that of which a window is the smallest share."""
    return min(range(len(size)), key=lambda a: (min(1.0, size[a] / spatial[a]), a))


def stream(
    array: Array,
    network: Network,
    layout: Layout,
    weights: Mapping[str, Weights],
    *,
    axis: int = 0,
    batch: int = 1,
    empty: Callable[[Array], bool] | None = None,
    fill: Mapping[str, Array] | None = None,
    first: Outputs | None = None,
    advance: Callable[[int], None] = lambda windows: None,
) -> Iterator[Slab]:
    """The weighted mean of the network's outputs over all windows, in slabs along ``axis``, in order.

    Parameters
    ----------
    array
        ``(channels, *spatial)``.
    network
        ``(batch, channels, *size)`` to ``(batch, k, *cells)`` by name.
    weights
        Of each output that is wanted; others are left out.
    empty, fill
        A window ``(channels, *size)`` of which ``empty`` holds is not shown to the network: its outputs are taken to
        be ``fill (k,)``, the same in all its cells.
    first
        The outputs of the first window, where it has been answered already.
    advance
        Told how many more windows are done.
    """
    blends: dict[str, _Blend] = {}
    if fill is not None:
        blends = {name: _Blend(len(value), layout, weights[name], axis) for name, value in fill.items()}
    line = layout.starts[axis]
    for at, start in enumerate(line):
        waiting: list[tuple[tuple[int, ...], Array]] = []
        for corner in layout.corners(start, axis):
            if first is not None:
                outs, first, places = first, None, [corner]
            else:
                window = layout.window(array, corner)
                if empty is not None and fill is not None and empty(window):
                    for name, value in fill.items():
                        blends[name].add_constant(corner, value)
                    advance(1)
                    continue
                waiting.append((corner, window))
                if len(waiting) < batch:
                    continue
                outs, places = network(_together(waiting)), [c for c, _ in waiting]
                waiting = []
            _add(blends, outs, places, layout, weights, axis)
            advance(len(places))
        if waiting:
            _add(blends, network(_together(waiting)), [c for c, _ in waiting], layout, weights, axis)
            advance(len(waiting))
        stop = line[at + 1] if at + 1 < len(line) else None
        for name, blend in blends.items():
            for slab in blend.final(start, stop):
                yield Slab(name, *slab)


def _together(waiting: Sequence[tuple[tuple[int, ...], Array]]) -> Array:
    return np.ascontiguousarray(np.stack([window for _, window in waiting]))


def _add(
    blends: dict[str, _Blend],
    outs: Outputs,
    places: Sequence[Sequence[int]],
    layout: Layout,
    weights: Mapping[str, Weights],
    axis: int,
) -> None:
    for name, weight in weights.items():
        if name not in blends:
            blends[name] = _Blend(outs[name].shape[1], layout, weight, axis)
        for corner, one in zip(places, outs[name], strict=True):
            blends[name].add(corner, one)


class _Blend:
    """Weighted sums of one output over windows, of the rows that windows still touch: a ring along the axis."""

    def __init__(self, k: int, layout: Layout, weights: Weights, axis: int) -> None:
        self._layout, self._stride, self._axis = layout, weights.stride, axis
        self._weight = weights.cells
        self._depth = weights.cells.shape[axis]
        cells = [
            (line[-1] + s) // m for line, s, m in zip(layout.starts, layout.size, weights.stride, strict=True)
        ]
        cells[axis] = self._depth
        self._total = np.zeros((k, *cells), np.float32)
        self._sums = np.zeros(cells, np.float32)

    def add(self, corner: Sequence[int], out: Array) -> None:
        for ring, window in self._pieces(corner):
            weight = self._weight[window]
            self._sums[ring] += weight
            for total, one in zip(self._total, out, strict=True):
                total[ring] += one[window] * weight

    def add_constant(self, corner: Sequence[int], value: Array) -> None:
        for ring, window in self._pieces(corner):
            weight = self._weight[window]
            self._sums[ring] += weight
            for k in np.flatnonzero(value):
                self._total[k][ring] += value[k] * weight

    def _pieces(self, corner: Sequence[int]) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
        """Where a window's cells lie in the ring, in two pieces where it wraps round, and which cells these are."""
        begins = [c // m for c, m in zip(corner, self._stride, strict=True)]
        shape, axis = self._weight.shape, self._axis
        turn = begins[axis] % self._depth
        for low, high, shift in ((0, self._depth - turn, turn), (self._depth - turn, self._depth, 0)):
            if low == high:
                continue
            ring = [slice(b, b + n) for b, n in zip(begins, shape, strict=True)]
            window = [slice(None)] * len(shape)
            ring[axis], window[axis] = slice(shift, shift + high - low), slice(low, high)
            yield tuple(ring), tuple(window)

    def final(self, start: int, stop: int | None) -> Iterator[tuple[int, int, Array]]:
        """Rows of the image that windows from ``stop`` on no longer touch; all the rest where it is None."""
        axis, m = self._axis, self._stride[self._axis]
        first, last = start // m, start // m + self._depth if stop is None else stop // m
        layout = self._layout
        before = layout.before[axis] // m
        rows = -(-layout.spatial[axis] // m)
        cut: list[slice] = [
            slice(b // s, b // s + -(-n // s))
            for b, n, s in zip(layout.before, layout.spatial, self._stride, strict=True)
        ]
        most = max(1, PIECE // (self._total[0].size // self._depth))
        at = first
        while at < last:
            turn = at % self._depth
            end = min(last, at + self._depth - turn, at + most)
            ring: list[slice] = [slice(None)] * len(layout.spatial)
            ring[axis] = slice(turn, turn + end - at)
            total, sums = self._total[(slice(None), *ring)], self._sums[tuple(ring)]
            low, high = max(at - before, 0), min(end - before, rows)
            if low < high:
                np.divide(total, sums, out=total)
                inner = list(cut)
                inner[axis] = slice(low + before - at, high + before - at)
                yield low, high, total[(slice(None), *inner)]
            total[...] = 0
            sums[...] = 0
            at = end
