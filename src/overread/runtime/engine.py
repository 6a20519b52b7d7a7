"""The network as a function of arrays, by ONNX Runtime."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.runtime.outputs import Outputs
from overread.runtime.package import Package

EXTERNAL_FOLDER = "session.model_external_initializers_file_folder_path"
"""Where ONNX Runtime looks for weights outside of the model; by default in the working directory."""
KEPT = 4
"""Packages whose networks stay loaded. They are found by the hash of their bytes, which only ONNX Runtime holds."""


class Engine:
    """One loaded network. Safe to call from several threads.

    Attributes
    ----------
    outputs
        Names of the network's outputs, in its order.
    threads
        It computes with so many; 0 is all cores.
    """

    def __init__(self, model: bytes, name: str, *, threads: int = 0) -> None:
        """Load ONNX bytes; ``name`` is what errors call them, ``threads`` as in `use_threads`.

        Raises InputError where they cannot be loaded.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        # Threads that wait sleep: a node has other work to do on its cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            with tempfile.TemporaryDirectory() as empty:
                # A model is its own bytes: whatever it names outside of them is not found.
                options.add_session_config_entry(EXTERNAL_FOLDER, empty)
                self._session: Any = onnxruntime.InferenceSession(
                    model, options, providers=["CPUExecutionProvider"]
                )
        except Exception as error:  # ONNX Runtime raises types of its own, none of them documented
            raise InputError(
                f"{name}: ONNX Runtime cannot load its network ({str(error).splitlines()[0]})"
            ) from error
        self.threads: int = self._session.get_session_options().intra_op_num_threads
        self._input = self._session.get_inputs()[0].name
        self.outputs: tuple[str, ...] = tuple(o.name for o in self._session.get_outputs())

    def __call__(self, batch: NDArray[np.float32]) -> Outputs:
        """``(batch, channels, *spatial)`` float32 to every output by name, each with the batch axis."""
        return dict(zip(self.outputs, self._session.run(None, {self._input: batch}), strict=True))


_loaded: OrderedDict[tuple[str, int], dict[str, Engine]] = OrderedDict()
_threads = 0
_lock = Lock()


def use_threads(count: int) -> None:
    """How many threads each network that is loaded from now on computes with; 0 is ONNX Runtime's choice, all cores.

    A node with several workers gives each its share. Raises ValueError for a negative count.
    """
    global _threads
    if count < 0:
        raise ValueError(f"threads: found {count}, expected 0 or more")
    _threads = count


def engine_of(package: Package) -> Engine:
    """The package's first network; see `engines_of`."""
    return next(iter(engines_of(package).values()))


def engines_of(package: Package) -> dict[str, Engine]:
    """The package's networks by file; those of the `KEPT` used last stay loaded. Raises InputError as `Engine`."""
    key = package.networks_sha256, _threads
    with _lock:
        engines = _loaded.pop(key, None) or {
            name: Engine(data, f"{package.path}: {name}", threads=_threads)
            for name, data in package.networks.items()
        }
        _loaded[key] = engines
        while len(_loaded) > KEPT:
            _loaded.popitem(last=False)
        return engines
