"""One prepared case as bytes: a head that says what lies where, and the bricks of its arrays."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from isal.isal_zlib import crc32
from numpy.typing import NDArray

from overread.learn.store.bricks import BRICK, DamagedError, Fetch, count_bricks, cut, read_part
from overread.learn.store.coding import Coding, decode, encode

PREFIX = struct.Struct("<8sIII")
MAGIC = b"overread"
IMAGE = "image"
"""The name of the array whose first axis is channels."""


@dataclass(frozen=True)
class Plane:
    """One channel of the image, or one array of the target, as it lies in an entry; ``start`` of its first brick."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    coding: Coding
    table: NDArray[Any]
    bricks: NDArray[Any]
    start: int

    def read(self, part: tuple[slice, ...], fetch: Fetch) -> NDArray[Any]:
        """Values of ``part``; ``fetch`` counts from the entry's beginning. Raises DamagedError."""
        numbers = read_part(
            self.shape, self.dtype, self.bricks, part, lambda at, count: fetch(self.start + at, count)
        )
        return decode(numbers, self.coding, self.table)


Head = Mapping[str, Sequence[Plane]]
"""The planes of each array, by name; of all but the image there is one."""


@dataclass(frozen=True)
class Entry:
    """The bytes of an entry: ``head`` bytes of ``pieces`` are the head. ``values``: bytes before coding."""

    pieces: Sequence[bytes]
    head: int
    values: int

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(map(len, self.pieces))


def pack_entry(arrays: Mapping[str, NDArray[Any]]) -> Entry:
    """The entry that keeps ``arrays``.

    ``arrays`` has the `IMAGE` ``(channels, *grid)``, each channel of which is coded by itself, and any others.
    """
    described, tables, bodies, at = [], [], [], 0
    for name, array in arrays.items():
        for plane in array if name == IMAGE else [array]:
            plane = np.asarray(plane)
            coded = encode(plane)
            bricks, parts = cut(coded.numbers)
            described.append(
                {
                    "name": name,
                    "shape": list(plane.shape),
                    "stored": coded.numbers.dtype.str,
                    "coding": coded.coding.as_dict(),
                    "table": len(coded.table),
                    "start": at,
                }
            )
            tables += [coded.table.tobytes(), bricks.tobytes()]
            bodies += parts
            at += sum(map(len, parts))
    text, table = json.dumps(described).encode(), b"".join(tables)
    prefix = PREFIX.pack(MAGIC, len(text), len(table), crc32(table, crc32(text)))
    head = len(prefix) + len(text) + len(table)
    return Entry([prefix, text, table, *bodies], head, sum(a.nbytes for a in arrays.values()))


def read_head(content: bytes) -> dict[str, list[Plane]]:
    """The head of an entry, from its bytes. Raises DamagedError where these are not what was written."""
    try:
        magic, text_size, table_size, checksum = PREFIX.unpack_from(content)
    except struct.error as error:
        raise DamagedError(f"{len(content)} bytes are no head of an entry") from error
    size = PREFIX.size + text_size + table_size
    text = content[PREFIX.size : PREFIX.size + text_size]
    table = content[PREFIX.size + text_size : size]
    if magic != MAGIC or len(content) < size or crc32(table, crc32(text)) != checksum:
        raise DamagedError("checksum of an entry's head is wrong")
    head: dict[str, list[Plane]] = {}
    at = 0
    for plane in json.loads(text):
        shape, coding = tuple(plane["shape"]), Coding(**plane["coding"])
        values = np.frombuffer(table, coding.dtype, plane["table"], at)
        at += values.nbytes
        bricks = np.frombuffer(table, BRICK, count_bricks(shape), at)
        at += bricks.nbytes
        head.setdefault(plane["name"], []).append(
            Plane(shape, np.dtype(plane["stored"]), coding, values, bricks, size + plane["start"])
        )
    return head
