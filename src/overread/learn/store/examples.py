"""Cases in the store as a sequence of examples, of which nothing is in memory but what is being used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import OverreadError
from overread.learn.example import Example, Examples
from overread.learn.reading_clock import ReadingClock
from overread.learn.store.bricks import DamagedError, Fetch
from overread.learn.store.entry import IMAGE, Head, pack_entry, read_head
from overread.learn.store.index import Row
from overread.learn.store.packs import Pack
from overread.learn.store.store import Store
from overread.learn.store.stored import Stored

WHOLE_BYTES = 1 << 19
"""An entry of up to so many bytes is read at once; of a larger one, its head and then what is asked for."""
HEADS = 256
"""Of so many larger entries the heads are kept."""


@dataclass(frozen=True)
class _Opened:
    """An entry's head, and what reads its bytes."""

    head: Head
    fetch: Fetch

    def read(self, name: str, part: tuple[slice, ...]) -> NDArray[Any]:
        planes = self.head[name]
        if name != IMAGE:
            return planes[0].read(part, self.fetch)
        channels = range(len(planes))[part[0]]
        return np.stack([planes[c].read(part[1:], self.fetch) for c in channels])


class StoredExamples(Examples):
    """Examples whose images, and targets on the image's grid, are read from a store when they are sliced.

    An entry that is no longer what was written (its checksums tell) is prepared again by ``prepare(index)``. The packs
    are held against pruning as long as the sequence lives. `read_seconds` counts over all threads.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        keys: Sequence[str],
        rows: Mapping[str, Row],
        prepare: Callable[[int], Mapping[str, NDArray[Any]]],
    ) -> None:
        """Raises KeyError or FileNotFoundError where a row, or the pack it names, is gone meanwhile."""
        self._store, self._names, self._keys, self._prepare = store, names, keys, prepare
        self._packs: list[Pack] = []
        self._numbers: dict[str, int] = {}
        self._heads: OrderedDict[int, _Opened] = OrderedDict()
        self._clock, self._lock = ReadingClock(), RLock()
        # By case: number of the pack, first byte, bytes of the head and of the whole.
        self._places = np.zeros((len(keys), 4), np.int64)
        for i, key in enumerate(keys):
            self._place(i, rows[key])
        store.index.mark_used(self._numbers)

    @property
    def read_seconds(self) -> float:
        """Seconds spent on reading and decoding."""
        return self._clock.seconds

    def __len__(self) -> int:
        return len(self._names)

    def at(self, index: int) -> Example:
        """Read from its pack; prepared again where that is damaged."""
        with self._clock:
            try:
                opened = self._opened(index)
            except DamagedError:
                opened = self._prepared_again(index)
            arrays = {name: self._array(index, opened, name) for name in opened.head}
        return Example(self._names[index], arrays.pop(IMAGE), arrays)

    def _array(self, i: int, opened: _Opened, name: str) -> Any:
        planes = opened.head[name]
        shape = (len(planes), *planes[0].shape) if name == IMAGE else planes[0].shape

        def read(part: tuple[slice, ...]) -> NDArray[Any]:
            with self._clock:
                try:
                    return opened.read(name, part)
                except DamagedError:
                    return self._prepared_again(i).read(name, part)

        stored = Stored(shape, np.dtype(planes[0].coding.dtype), read)
        on_grid = name == IMAGE or shape == opened.head[IMAGE][0].shape
        return stored if on_grid else stored[...]

    def _opened(self, i: int) -> _Opened:
        """Entry ``i``: small ones as bytes in memory, of larger ones the head. Raises DamagedError."""
        with self._lock:
            if (known := self._heads.get(i)) is not None:
                self._heads.move_to_end(i)
                return known
            number, start, head, size = map(int, self._places[i])
            pack = self._packs[number]
        if size <= WHOLE_BYTES:
            content = pack.read(start, size)
            return _Opened(read_head(content), lambda at, count: content[at : at + count])
        opened = _Opened(read_head(pack.read(start, head)), lambda at, count: pack.read(start + at, count))
        with self._lock:
            self._heads[i] = opened
            if len(self._heads) > HEADS:
                self._heads.popitem(last=False)
        return opened

    def _prepared_again(self, i: int) -> _Opened:
        """Entry ``i`` anew from its case's files, in another pack."""
        key = self._keys[i]
        with self._lock:
            self._store.index.drop([key])
            with self._store.writer() as writer:
                writer.add(key, pack_entry(self._prepare(i)))
            self._heads.pop(i, None)
            try:
                self._place(i, self._store.find([key])[key])
                opened = self._opened(i)
                for name, planes in opened.head.items():
                    opened.read(name, (slice(None),) * (len(planes[0].shape) + (name == IMAGE)))
            except (DamagedError, KeyError, FileNotFoundError) as error:
                raise OverreadError(
                    f"{self._store.folder}: case {self._names[i]} reads otherwise than it was written, also "
                    "when written anew; check the disk"
                ) from error
            return opened

    def _place(self, i: int, row: Row) -> None:
        if row.pack not in self._numbers:
            pack = Pack.open(self._store.packs / row.pack)
            if pack is None:
                raise FileNotFoundError(row.pack)
            self._numbers[row.pack] = len(self._packs)
            self._packs.append(pack)
        self._places[i] = self._numbers[row.pack], row.start, row.head, row.size
