"""One prepared case, in memory or read in parts from where it lies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""A truth on the network's grid, by name."""


class Readable(Protocol):
    """An array that may lie on disk: a slice of it is read when it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Size by axis."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its numbers."""
        ...

    def __getitem__(self, part: Any, /) -> Any:
        """The part as an array in memory."""
        ...


@dataclass(frozen=True)
class Example:
    """One prepared case: image ``(channels, *grid)`` float32, and its target as `LearnTask.target` gave it.

    The image, and any array of the target on the image's grid, may be `Readable` only: cut first, then compute.
    """

    case: str
    image: Readable
    target: Mapping[str, Any]


class Examples(Sequence[Example]):
    """Examples that are read when asked for by `at`; a slice reads nothing."""

    @abstractmethod
    def at(self, index: int, /) -> Example:
        """The example at ``index``, from 0 to the length less 1."""

    @property
    @abstractmethod
    def read_seconds(self) -> float:
        """Seconds spent on reading, over all threads."""

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            return Part(self, range(len(self))[index])
        return self.at(range(len(self))[index])


class Part(Examples):
    """Some of ``examples``, in the order of ``chosen``; none is read before it is asked for."""

    def __init__(self, examples: Sequence[Example], chosen: Sequence[int]) -> None:
        self._examples, self._chosen = examples, chosen

    @property
    def read_seconds(self) -> float:
        """Seconds spent on reading, of all the examples."""
        return float(getattr(self._examples, "read_seconds", 0.0))

    def __len__(self) -> int:
        return len(self._chosen)

    def at(self, index: int) -> Example:
        """Of the examples, the one chosen."""
        return self._examples[self._chosen[index]]
