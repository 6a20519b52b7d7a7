"""The network as a function of arrays, by ONNX Runtime."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.runtime.outputs import Outputs
from overread.runtime.package import Package

EXTERNAL_FOLDER = "session.model_external_initializers_file_folder_path"
"""Where ONNX Runtime looks for weights outside of the model; by default in the working directory."""


class Engine:
    """One loaded network. Safe to call from several threads.

    Attributes
    ----------
    outputs
        Names of the network's outputs, in its order.
    """

    def __init__(self, model: bytes, name: str) -> None:
        """Load ONNX bytes; ``name`` is what errors call them. Raises InputError where they cannot be loaded."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
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
        self._input = self._session.get_inputs()[0].name
        self.outputs: tuple[str, ...] = tuple(o.name for o in self._session.get_outputs())

    def __call__(self, batch: NDArray[np.float32]) -> Outputs:
        """``(batch, channels, *spatial)`` float32 to every output by name, each with the batch axis."""
        return dict(zip(self.outputs, self._session.run(None, {self._input: batch}), strict=True))


@lru_cache(maxsize=4)
def _engine(sha256: str, model: bytes, name: str) -> Engine:
    return Engine(model, name)


def engine_of(package: Package) -> Engine:
    """The package's network; the four used last stay loaded."""
    return _engine(package.sha256, package.model, str(package.path))
