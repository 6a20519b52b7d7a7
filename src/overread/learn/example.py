"""One prepared case in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""A truth on the network's grid, by name."""


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
