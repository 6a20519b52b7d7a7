"""Cases prepared from their files each time they are asked for: for images that are quickly decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from overread.learn.example import Example, Examples
from overread.learn.reading_clock import ReadingClock
from overread.learn.store.entry import IMAGE


class FileExamples(Examples):
    """Examples that ``prepare(index)`` gives; nothing is kept. `read_seconds` counts over all threads."""

    def __init__(self, names: Sequence[str], prepare: Callable[[int], Mapping[str, NDArray[Any]]]) -> None:
        self._names, self._prepare, self._clock = names, prepare, ReadingClock()

    @property
    def read_seconds(self) -> float:
        """Seconds spent on reading and preparing."""
        return self._clock.seconds

    def __len__(self) -> int:
        return len(self._names)

    def at(self, index: int) -> Example:
        """Prepared anew. Raises what ``prepare`` raises."""
        with self._clock:
            arrays = dict(self._prepare(index))
        return Example(self._names[index], arrays.pop(IMAGE), arrays)
