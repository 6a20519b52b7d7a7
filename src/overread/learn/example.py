"""One prepared case, in memory or read in parts from where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

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

    def __getitem__(self, part: Any, /) -> Any:
        """The part as an array in memory."""
        ...


@dataclass(frozen=True)
class Example:
    """One prepared case: image ``(channels, *grid)`` float32, and its target as `LearnTask.target` gave it."""

    case: str
    image: NDArray[np.float32]
    target: Arrays

    @property
    def nbytes(self) -> int:
        """Bytes that it holds in memory."""
        return self.image.nbytes + sum(a.nbytes for a in self.target.values())
