"""Cases prepared from their files each time they are asked for: for images that are quickly decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from numpy.typing import NDArray

from overread.learn.example import Example, Part
from overread.learn.reading_clock import ReadingClock
from overread.learn.store.entry import IMAGE


class FileExamples(Sequence[Example]):
    """Examples that ``prepare(index)`` gives; nothing is kept. `read_seconds` counts over all threads."""

    def __init__(self, names: Sequence[str], prepare: Callable[[int], Mapping[str, NDArray[Any]]]) -> None:
        self._names, self._prepare, self._clock = names, prepare, ReadingClock()

    @property
    def read_seconds(self) -> float:
        """Seconds spent on reading and preparing."""
        return self._clock.seconds

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            return Part(self, range(len(self))[index])
        i = range(len(self))[index]
        with self._clock:
            arrays = dict(self._prepare(i))
        return Example(self._names[i], arrays.pop(IMAGE), arrays)
