"""How much memory tensors need together while they live, counted from their sizes."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only


class Live(TorchDispatchMode):
    """While active, counts the bytes of every storage that an operation makes, from its birth to its death.

    ``now`` and ``peak`` are bytes. It works on the ``meta`` device as on any other: what is freed, and when, follows
    from the same references. Room that an operator takes and gives back inside itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self._known: set[int] = set()

    def add(self, tensor: Tensor) -> None:
        """Count the storage of ``tensor``, once."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Let the operation happen and count what it made."""
        made = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self.add, made)
        return made
