"""Sliding windows over an image of any size, blended with Gaussian weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from math import lcm

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.runtime.outputs import Network, Outputs
from overread.runtime.stream import Layout, Weights, best_axis, stream

WEIGHT_FLOOR = 1e-2
OVERLAP = 0.5


@dataclass(frozen=True)
class Blended:
    """Outputs ``(k, *cells)`` of a whole image by name, and how many voxels a cell of each spans per axis."""

    outputs: Outputs
    strides: dict[str, tuple[int, ...]]


@lru_cache(maxsize=64)
def _weight(size: int) -> NDArray[np.float32]:
    """Gaussian of sigma size/8 along one axis, never below the floor (Isensee 2021, doi 10.1038/s41592-020-01008-z)."""
    x = np.arange(size) - (size - 1) / 2
    weight: NDArray[np.float32] = np.maximum(np.exp(-0.5 * (x / (size / 8)) ** 2), WEIGHT_FLOOR).astype(
        np.float32
    )
    return weight


def weights_of(size: Sequence[int]) -> NDArray[np.float32]:
    """``(*size)``: the product of `_weight` over the axes."""
    return reduce(lambda whole, n: whole[..., None] * _weight(n), size, np.ones((), np.float32))


def starts(length: int, size: int, overlap: float, *, multiple: int = 1) -> list[int]:
    """Window starts along one axis: evenly spread, the first at 0 and the last flush with the end.

    Neighbours overlap by at least ``overlap`` (a fraction of ``size``). ``length`` must be >= ``size``. Every start is
    a multiple of ``multiple``, which must divide ``length - size``.
    """
    step = max(1, int(size * (1 - overlap)) // multiple)
    last = (length - size) // multiple
    count = 1 + -(-last // step)
    return [round(i) * multiple for i in np.linspace(0, last, count)]


def strides_of(spatial: Sequence[int], outputs: Outputs) -> dict[str, tuple[int, ...]]:
    """Voxels that a cell of each output ``(k, *cells)`` spans per axis of an input of ``spatial`` voxels.

    Raises InputError for an output that is not dense, or whose cells do not span whole voxels.
    """
    out = {}
    for name, array in outputs.items():
        cells = array.shape[1:]
        if len(cells) != len(spatial) or any(c < 1 or n % c for n, c in zip(spatial, cells, strict=True)):
            raise InputError(
                f"the network's output {name} has {_times(cells)} cells for {_times(spatial)} voxels; expected as many "
                "axes, and a whole number of voxels to a cell"
            )
        out[name] = tuple(n // c for n, c in zip(spatial, cells, strict=True))
    return out


def sliding_window(
    array: NDArray[np.float32], network: Network, *, size: Sequence[int], overlap: float, batch: int = 1
) -> Blended:
    """Weighted mean of each of the network's dense outputs over all windows.

    Parameters
    ----------
    array
        ``(channels, *spatial)``; axes shorter than a window are padded by their edge values and cut off again.
    network
        ``(batch, channels, *size)`` to ``(batch, k, *cells)`` by name; each output may have a grid of its own, whose
        cells span a whole number of voxels. Windows then start on cells, at multiples of all strides.
    size
        Window size in voxels.

    Returns
    -------
    Blended
        ``(k, *ceil(spatial / stride))`` by name. A constant output comes out constant: weights are divided by their
        own sum.

    Raises
    ------
    ValueError
        An overlap outside 0 to 1.
    InputError
        As `strides_of`.
    """
    spatial = array.shape[1:]
    layout = layout_of(spatial, size, overlap)
    corner = (0,) * len(spatial)
    first = network(np.ascontiguousarray(layout.window(array, corner))[None])
    strides = strides_of(size, {name: out[0] for name, out in first.items()})
    multiple = [lcm(*(stride[a] for stride in strides.values())) for a in range(len(spatial))]
    if any(m > 1 for m in multiple):
        aligned = layout_of(spatial, size, overlap, multiple=multiple)
        if aligned.before != layout.before:
            first = network(np.ascontiguousarray(aligned.window(array, corner))[None])
        layout = aligned
    weights = {
        name: Weights(weights_of([s // m for s, m in zip(size, strides[name], strict=True)]), strides[name])
        for name in first
    }
    return Blended(collected(array, network, layout, weights, batch=batch, first=first), strides)


def collected(
    array: NDArray[np.float32],
    network: Network,
    layout: Layout,
    weights: dict[str, Weights],
    *,
    batch: int = 1,
    first: Outputs | None = None,
) -> Outputs:
    """A `stream` put together: ``(k, *cells)`` of the whole image by name."""
    axis = best_axis(layout.spatial, layout.size)
    out: Outputs = {}
    for slab in stream(array, network, layout, weights, axis=axis, batch=batch, first=first):
        if slab.name not in out:
            cells = zip(layout.spatial, weights[slab.name].stride, strict=True)
            out[slab.name] = np.empty((len(slab.output), *(-(-n // m) for n, m in cells)), np.float32)
        at = [slice(None)] * slab.output.ndim
        at[axis + 1] = slice(slab.start, slab.stop)
        out[slab.name][tuple(at)] = slab.output
    return out


def layout_of(
    spatial: Sequence[int],
    size: Sequence[int],
    overlap: float,
    *,
    multiple: Sequence[int] | None = None,
    stack: int = 1,
) -> Layout:
    """Windows spread evenly (see `starts`) on multiples of ``multiple``, among padding that makes them fit.

    Raises ValueError for an overlap outside 0 to 1.
    """
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap: found {overlap}, expected 0 <= overlap < 1")
    before, lines = [], []
    for n, s, m in zip(spatial, size, multiple or [1] * len(size), strict=True):
        short = max(0, s - n)
        before.append(short // 2 // m * m)
        length = s if short else n + -(n - s) % m
        lines.append(tuple(starts(length, s, overlap, multiple=m)))
    return Layout(tuple(spatial), tuple(size), tuple(before), tuple(lines), stack=stack)


def _times(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes)) or "no"
