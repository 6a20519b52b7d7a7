"""The network as a function of arrays, by ONNX Runtime."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.runtime.package import Package


class Engine:
    """One loaded network. Safe to call from several threads."""

    def __init__(self, model: bytes, name: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises types of its own, none of them documented
            raise InputError(
                f"{name}: ONNX Runtime cannot load its network ({str(error).splitlines()[0]})"
            ) from error
        self._input = self._session.get_inputs()[0].name

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(batch, channels, *spatial)`` float32 to logits ``(batch, labels[, *spatial])``."""
        output: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return output


@lru_cache(maxsize=4)
def _engine(sha256: str, model: bytes, name: str) -> Engine:
    return Engine(model, name)


def engine_of(package: Package) -> Engine:
    """The package's network; the four used last stay loaded."""
    return _engine(package.sha256, package.model, str(package.path))
