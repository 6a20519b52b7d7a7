"""Arrays cut into bricks, so that a patch of a volume is read without the rest of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from isal.isal_zlib import crc32
from numpy.typing import NDArray

from overread.errors import OverreadError

Span: TypeAlias = tuple[slice, ...]
Fetch: TypeAlias = Callable[[int, int], bytes]
"""``(start, count)`` to the bytes there."""

EDGE = {1: 1 << 16, 2: 256, 3: 32}
"""Edge of a brick by number of axes: some ten KiB, read at once in a few microseconds."""
BRICK = np.dtype([("start", "<i8"), ("crc", "<u4"), ("fill", "V8")])
"""Of each brick: where its bytes begin, or -1 where all its numbers are ``fill``."""
RUN = 1 << 22
"""Bytes that are read at once at most."""


class DamagedError(OverreadError):
    """Bytes are not those that were written."""


def cut(array: NDArray[Any]) -> tuple[NDArray[Any], list[bytes]]:
    """The table of bricks (type `BRICK`) of an array, in C order, and the bytes of those that are not constant."""
    spans = list(_spans(array.shape))
    bricks, parts, start = np.zeros(len(spans), BRICK), [], 0
    for brick, span in zip(bricks, spans, strict=True):
        numbers = np.ascontiguousarray(array[span])
        content = numbers.tobytes()
        size = numbers.dtype.itemsize
        # Bytes, not values: of a brick of zeros of both signs each keeps its own.
        if content == content[:size] * (len(content) // size):
            brick["start"] = -1
            brick["fill"] = np.void(content[:size].ljust(8, b"\0"))
            continue
        brick["start"], brick["crc"] = start, crc32(content)
        parts.append(content)
        start += len(content)
    return bricks, parts


def read_part(
    shape: Sequence[int], dtype: np.dtype[Any], bricks: NDArray[Any], part: Span, fetch: Fetch
) -> NDArray[Any]:
    """The ``part`` (slices without steps, one an axis) of an array that `cut` gave ``bricks`` of.

    Bricks that lie one behind the other are fetched at once. Raises DamagedError where a checksum is wrong.
    """
    bounds = [s.indices(n)[:2] for s, n in zip(part, shape, strict=True)]
    out = np.empty([max(0, high - low) for low, high in bounds], dtype)
    if not out.size:
        return out
    wanted = list(_touched(shape, bounds))
    for run in _runs(bricks, wanted, dtype.itemsize):
        first = int(bricks[run[0][0]]["start"])
        count = sum(_count(span) for _, span in run) * dtype.itemsize
        content = memoryview(fetch(first, count) if first >= 0 else b"")
        done = 0
        for number, span in run:
            sizes = [s.stop - s.start for s in span]
            if first < 0:
                fill = bricks[number]["fill"].tobytes()[: dtype.itemsize]
                numbers = np.broadcast_to(np.frombuffer(fill, dtype)[0], sizes)
            else:
                mine = content[done : done + _count(span) * dtype.itemsize]
                if crc32(mine) != bricks[number]["crc"]:
                    raise DamagedError(f"checksum of {len(mine)} bytes at {first + done} is wrong")
                numbers = np.frombuffer(mine, dtype).reshape(sizes)
                done += len(mine)
            overlap = [
                (max(low, s.start), min(high, s.stop)) for (low, high), s in zip(bounds, span, strict=True)
            ]
            here = tuple(slice(a - low, b - low) for (a, b), (low, _) in zip(overlap, bounds, strict=True))
            out[here] = numbers[
                tuple(slice(a - s.start, b - s.start) for (a, b), s in zip(overlap, span, strict=True))
            ]
    return out


def count_bricks(shape: Sequence[int]) -> int:
    """How many bricks an array has."""
    return int(np.prod([len(r) for r in _starts(shape)], dtype=int))


def _edges(shape: Sequence[int]) -> list[int]:
    edge = EDGE.get(len(shape))
    return [max(1, n if edge is None else min(n, edge)) for n in shape]


def _starts(shape: Sequence[int]) -> list[range]:
    return [range(0, n, e) for n, e in zip(shape, _edges(shape), strict=True)]


def _spans(shape: Sequence[int]) -> Iterator[Span]:
    edges = _edges(shape)
    for corner in product(*_starts(shape)):
        yield tuple(slice(c, min(c + e, n)) for c, e, n in zip(corner, edges, shape, strict=True))


def _touched(shape: Sequence[int], bounds: Sequence[tuple[int, int]]) -> Iterator[tuple[int, Span]]:
    """Number and place of each brick with any of its numbers within ``bounds``, in C order."""
    edges, counts = _edges(shape), [len(r) for r in _starts(shape)]
    lines = [range(low // e, -(-high // e)) for (low, high), e in zip(bounds, edges, strict=True)]
    for place in product(*lines):
        number = 0
        for p, c in zip(place, counts, strict=True):
            number = number * c + p
        yield (
            number,
            tuple(slice(p * e, min(p * e + e, n)) for p, e, n in zip(place, edges, shape, strict=True)),
        )


def _runs(
    bricks: NDArray[Any], wanted: Sequence[tuple[int, Span]], itemsize: int
) -> Iterator[list[tuple[int, Span]]]:
    """``wanted`` in groups: bricks whose bytes follow each other, and constant ones each alone."""
    run: list[tuple[int, Span]] = []
    end = total = 0
    for number, span in wanted:
        start, size = int(bricks[number]["start"]), _count(span) * itemsize
        if run and (start < 0 or start != end or total + size > RUN):
            yield run
            run, total = [], 0
        if start < 0:
            yield [(number, span)]
            continue
        run.append((number, span))
        end, total = start + size, total + size
    if run:
        yield run


def _count(span: Span) -> int:
    return int(np.prod([s.stop - s.start for s in span], dtype=int))
