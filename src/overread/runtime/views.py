"""Test-time augmentation: an image answered in several views, each brought back exactly, and their mean.

A view is named by its parts, which are done one after the other: ``flip0`` mirrors the first axis, ``turn1`` turns the
plane of the first two by a quarter (as ``numpy.rot90``; both need windows or images as long as they are wide),
``add0.1`` and ``times1.1`` change the standardised grey values. ``turn1+flip0`` does both. What moves voxels only
permutes them, so that the way back is exact; nothing is drawn, so that the same image gives the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.runtime.outputs import Network, Outputs

Array: TypeAlias = NDArray[np.float32]
PerAxis: TypeAlias = Literal["length", "place"]
"""What an output with one channel an axis holds: lengths, or places within a cell (0 to 1)."""
_PART = re.compile(r"(flip)([0-2])|(turn)([123])|(add|times)(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Part:
    """One change: ``flip`` of an axis, ``turn`` by quarters, ``add`` or ``times`` a number."""

    kind: Literal["flip", "turn", "add", "times"]
    value: float

    @classmethod
    def of(cls, name: str) -> Part:
        """The change called ``name``. Raises ValueError."""
        found = _PART.fullmatch(name)
        if found is None:
            raise ValueError(
                f"found {name!r}, expected flip0, flip1, flip2, turn1 to turn3, add<number> or times<number>"
            )
        kind, value = (g for g in found.groups() if g is not None)
        match kind:
            case "flip" | "turn" | "add" | "times":
                return cls(kind, float(value))
            case _:
                raise AssertionError(kind)

    def there(self, batch: Array) -> Array:
        """``(batch, channels, *spatial)`` changed."""
        match self.kind:
            case "flip":
                return np.flip(batch, 2 + int(self.value))
            case "turn":
                return np.rot90(batch, int(self.value), (2, 3))
            case "add":
                return batch + np.float32(self.value)
            case "times":
                return batch * np.float32(self.value)

    def back(self, output: Array, per_axis: PerAxis | None) -> Array:
        """A dense output ``(batch, k, *cells)`` of the changed image as one of the unchanged image."""
        match self.kind:
            case "flip":
                axis = int(self.value)
                out = np.flip(output, 2 + axis)
                return _mirrored(out, axis) if per_axis == "place" else out
            case "turn":
                quarters = int(self.value)
                out = np.rot90(output, -quarters, (2, 3))
                if per_axis is None:
                    return out
                for _ in range(quarters):
                    # A quarter back: what lay along the second axis lies along the first, whose way is turned round.
                    out = np.concatenate([out[:, 1:2], out[:, 0:1], out[:, 2:]], axis=1)
                    out = _mirrored(out, 1) if per_axis == "place" else out
                return out
            case "add" | "times":
                return output


def parse_view(name: str) -> tuple[Part, ...]:
    """The parts of the view called ``name``, in the order in which they are done. Raises ValueError."""
    return tuple(Part.of(part) for part in name.split("+"))


def mirrored_views(axes: Sequence[int]) -> list[str]:
    """Every combination of mirroring ``axes``, but that of none: 1, 3 or 7 views."""
    chosen = [c for n in range(1, len(axes) + 1) for c in combinations(sorted(axes), n)]
    return ["+".join(f"flip{a}" for a in c) for c in chosen]


def view_faults(views: Sequence[str], spatial: Sequence[int] | None, *, dimensions: int) -> list[str]:
    """What is wrong with ``views`` for images or windows of size ``spatial`` (None: of any), a line each."""
    out = []
    for name in views:
        try:
            parts = parse_view(name)
        except ValueError as error:
            out.append(f"views: {name}: {error}")
            continue
        out += [
            f"views: {name}: found axis {part.value:g}, expected 0 to {dimensions - 1}"
            for part in parts
            if part.kind == "flip" and part.value >= dimensions
        ]
        odd = any(part.kind == "turn" and part.value % 2 for part in parts)
        if odd and (spatial is None or spatial[0] != spatial[1]):
            found = "no window" if spatial is None else f"{spatial[0]} x {spatial[1]}"
            out.append(
                f"views: {name}: found {found}, expected the first two axes as long as each other to turn by a quarter"
            )
    return out


def each_view(
    network: Network, batch: Array, views: Sequence[str], *, per_axis: Mapping[str, PerAxis] | None = None
) -> list[Outputs]:
    """The network's outputs for ``batch`` as it is, and for each of ``views``, brought back to the image as it is.

    Outputs of ``(k,)`` numbers an image are taken as they are, dense ones ``(k, *cells)`` moved back.
    ``per_axis`` names dense outputs whose channels belong to the axes. Their spread says how sure a network is of an
    image (Wang 2019, doi 10.1016/j.neucom.2019.01.103).
    """
    found = [network(batch)]
    for name in views:
        parts = parse_view(name)
        changed = batch
        for part in parts:
            changed = part.there(changed)
        outputs = network(np.ascontiguousarray(changed, dtype=np.float32))
        back = {}
        for key, output in outputs.items():
            if output.ndim == batch.ndim:
                for part in reversed(parts):
                    output = part.back(output, (per_axis or {}).get(key))
            back[key] = np.ascontiguousarray(output)
        found.append(back)
    return found


def in_views(
    network: Network,
    views: Sequence[str],
    *,
    per_axis: Mapping[str, PerAxis] | None = None,
    kept: list[Outputs] | None = None,
) -> Network:
    """``network`` answering with the mean over the image as it is and its ``views``; without any, itself.

    The outputs of each view of each batch are added to ``kept``.
    """
    if not views:
        return network

    def answered(batch: Array) -> Outputs:
        each = each_view(network, batch, views, per_axis=per_axis)
        if kept is not None:
            kept.extend(each)
        # In float64: the mean must not depend on the order of the views.
        return {
            name: np.stack([one[name] for one in each]).mean(axis=0, dtype=np.float64).astype(np.float32)
            for name in each[0]
        }

    return answered


def _mirrored(places: Array, axis: int) -> Array:
    """Places within a cell, 0 to 1, along an axis that runs the other way now."""
    out = places.copy()
    out[:, axis] = 1 - out[:, axis]
    return out
