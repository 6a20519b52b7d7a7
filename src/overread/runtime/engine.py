"""The network as a function of arrays, by the engine that was found to be the fastest here and to agree."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from overread.runtime.backends import REFERENCE, EngineName, opened
from overread.runtime.computed import Computed
from overread.runtime.engine_choice import chosen
from overread.runtime.outputs import Outputs
from overread.runtime.package import Package
from overread.runtime.processor import processor

KEPT = 4
"""Packages whose networks stay loaded. They are found by the hash of their bytes, which only the engine holds."""


class Engine:
    """One loaded network. Safe to call from several threads.

    Attributes
    ----------
    outputs
        Names of the network's outputs, in its order.
    threads
        It computes with so many; 0 is all cores.
    computed
        What its answers are computed with.
    """

    def __init__(self, model: bytes, name: str, *, threads: int = 0, engine: EngineName = REFERENCE) -> None:
        """Load ONNX bytes; ``name`` is what errors call them, ``threads`` as in `use_threads`.

        Raises InputError where they cannot be loaded.
        """
        self._opened = opened(engine, model, name, threads=threads)
        self.threads, self.outputs = self._opened.threads, self._opened.outputs
        host, flags = processor()
        self.computed = Computed(engine, self._opened.version, "float32", self.threads, host, flags)

    def __call__(self, batch: NDArray[np.float32]) -> Outputs:
        """``(batch, channels, *spatial)`` float32 to every output by name, each with the batch axis."""
        return dict(zip(self.outputs, self._opened.run(batch), strict=True))


_loaded: OrderedDict[tuple[str, int, EngineName], dict[str, Engine]] = OrderedDict()
_threads = 0
_lock = Lock()


def use_threads(count: int) -> None:
    """How many threads each network that is loaded from now on computes with; 0 is the engine's choice, all cores.

    A node with several workers gives each its share. Raises ValueError for a negative count.
    """
    global _threads
    if count < 0:
        raise ValueError(f"threads: found {count}, expected 0 or more")
    _threads = count


def threads_used() -> int:
    """As last set by `use_threads`."""
    return _threads


def engine_of(package: Package) -> Engine:
    """The package's first network; see `engines_of`."""
    return next(iter(engines_of(package).values()))


def engines_of(package: Package) -> dict[str, Engine]:
    """The package's networks by file, in the engine that is `chosen` for it here; those of the `KEPT` used last stay
    loaded. Raises InputError as `Engine`."""
    name = chosen(package.networks_sha256)
    key = package.networks_sha256, _threads, name
    with _lock:
        engines = _loaded.pop(key, None) or {
            file: Engine(data, f"{package.path}: {file}", threads=_threads, engine=name)
            for file, data in package.networks.items()
        }
        _loaded[key] = engines
        while len(_loaded) > KEPT:
            _loaded.popitem(last=False)
        return engines
