"""An array that lies in the store."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Stored:
    """An array of which nothing is in memory: what is sliced out of it is read, by ``read``."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[tuple[slice, ...]], NDArray[Any]]

    @property
    def nbytes(self) -> int:
        """Bytes that the whole would take in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __getitem__(self, part: Any) -> NDArray[Any]:
        """The part as an array: slices without steps for the first axes, ``...`` for the whole of the others."""
        parts = part if isinstance(part, tuple) else (part,)
        if parts and parts[-1] is Ellipsis:
            parts = parts[:-1]
        fits = all(isinstance(s, slice) and s.step in (None, 1) for s in parts) and len(parts) <= len(
            self.shape
        )
        if not fits:
            raise TypeError(f"found {part!r}, expected at most {len(self.shape)} slices without steps")
        return self.read((*parts, *(slice(None),) * (len(self.shape) - len(parts))))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)
