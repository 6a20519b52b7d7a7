"""Sliding windows over an image of any size, blended with separable Gaussian weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import product
from math import lcm

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.runtime.outputs import Network, Outputs

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


def starts(length: int, size: int, overlap: float, *, multiple: int = 1) -> list[int]:
    """Window starts along one axis: evenly spread, the first at 0 and the last flush with the end.

    Neighbours overlap by at least ``overlap`` (a fraction of ``size``). ``length`` must be >= ``size``. Every start is
    a multiple of ``multiple``, which must divide ``length - size``.
    """
    step = max(1, int(size * (1 - overlap)) // multiple)
    last = (length - size) // multiple
    count = 1 + -(-last // step)
    return [round(i) * multiple for i in np.linspace(0, last, count)]


def windows(
    spatial: Sequence[int], size: Sequence[int], overlap: float, *, multiple: Sequence[int] | None = None
) -> Iterator[tuple[slice, ...]]:
    """Slices of every window, first axis slowest."""
    axes = zip(spatial, size, multiple or [1] * len(size), strict=True)
    for corner in product(*(starts(n, s, overlap, multiple=m) for n, s, m in axes)):
        yield tuple(slice(a, a + s) for a, s in zip(corner, size, strict=True))


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
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap: found {overlap}, expected 0 <= overlap < 1")
    spatial = array.shape[1:]
    layout = _Layout.of(spatial, size, [1] * len(spatial))
    padded = layout.pad(array)
    corner = (slice(None), *(slice(s) for s in size))
    first = network(np.ascontiguousarray(padded[corner])[None])
    strides = strides_of(size, {name: out[0] for name, out in first.items()})
    multiple = [lcm(*(stride[a] for stride in strides.values())) for a in range(len(spatial))]
    if any(m > 1 for m in multiple):
        aligned = _Layout.of(spatial, size, multiple)
        padded = aligned.pad(array)
        if aligned.before != layout.before:
            first = network(np.ascontiguousarray(padded[corner])[None])
        layout = aligned
    where = list(windows(padded.shape[1:], size, overlap, multiple=multiple))
    blends = {
        name: _Blend(out.shape[1], padded.shape[1:], size, strides[name]) for name, out in first.items()
    }
    for name, out in first.items():
        blends[name].add(where[0], out[0])
    for at in range(1, len(where), batch):
        part = where[at : at + batch]
        outs = network(np.ascontiguousarray(np.stack([padded[(slice(None), *w)] for w in part])))
        for name, blend in blends.items():
            for place, one in zip(part, outs[name], strict=True):
                blend.add(place, one)
    lines = [
        starts(n, s, overlap, multiple=m) for n, s, m in zip(padded.shape[1:], size, multiple, strict=True)
    ]
    return Blended(
        {name: blend.mean(lines, layout.before, spatial) for name, blend in blends.items()}, strides
    )


@dataclass(frozen=True)
class _Layout:
    """Voxels added before and after each axis so that windows fill it."""

    before: tuple[int, ...]
    after: tuple[int, ...]

    @classmethod
    def of(cls, spatial: Sequence[int], size: Sequence[int], multiple: Sequence[int]) -> _Layout:
        before, after = [], []
        for n, s, m in zip(spatial, size, multiple, strict=True):
            short = max(0, s - n)
            first = short // 2 // m * m
            before.append(first)
            after.append(short - first if short else -(n - s) % m)
        return cls(tuple(before), tuple(after))

    def pad(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        pads = [(0, 0), *zip(self.before, self.after, strict=True)]
        return np.pad(array, pads, mode="edge") if any(map(any, pads)) else array


class _Blend:
    """Weighted sum of one output over windows."""

    def __init__(self, k: int, padded: Sequence[int], size: Sequence[int], stride: Sequence[int]) -> None:
        self._stride = stride
        self._axes = [_weight(s // m) for s, m in zip(size, stride, strict=True)]
        self._weight = reduce(lambda w, axis: w[..., None] * axis, self._axes)
        self._total = np.zeros((k, *(n // m for n, m in zip(padded, stride, strict=True))), np.float32)

    def add(self, place: Sequence[slice], out: NDArray[np.float32]) -> None:
        cells = (slice(p.start // m, p.stop // m) for p, m in zip(place, self._stride, strict=True))
        self._total[(slice(None), *cells)] += out * self._weight

    def mean(
        self, lines: Sequence[Sequence[int]], before: Sequence[int], spatial: Sequence[int]
    ) -> NDArray[np.float32]:
        """The sum over the weights, of the cells that hold the image."""
        total = self._total
        # The sum of separable weights over a grid of windows is itself separable: one reciprocal per axis.
        for axis, (line, w, m) in enumerate(zip(lines, self._axes, self._stride, strict=True)):
            sums = np.zeros(total.shape[axis + 1], np.float32)
            for a in line:
                sums[a // m : a // m + len(w)] += w
            total /= sums.reshape([-1 if i == axis + 1 else 1 for i in range(total.ndim)])
        cut = (
            slice(b // m, b // m + -(-n // m)) for b, n, m in zip(before, spatial, self._stride, strict=True)
        )
        return total[(slice(None), *cut)]


def _times(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes)) or "no"
