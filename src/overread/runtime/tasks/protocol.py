"""What every task does in `predict`; the modules beside this one fulfil it as they are (PEP 544)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answer import Answer
from overread.runtime.manifest import Manifest
from overread.runtime.preprocess import Prepared

Outputs: TypeAlias = dict[str, NDArray[np.float32]]
"""The network's outputs by name, without the batch axis where they are of one image."""
Network: TypeAlias = Callable[[NDArray[np.float32]], Outputs]
"""``(batch, channels, *spatial)`` float32 to the outputs by name, each with a batch axis."""


class RuntimeTask(Protocol):
    """One task on the way from a prepared image to an answer."""

    def raw(self, network: Network, prepared: Prepared, manifest: Manifest, /) -> Outputs:
        """The network's outputs for one image: whole, or windows blended."""
        ...

    def answer(self, raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> Answer:
        """Calibration, decision, and the way back to the image's own grid."""
        ...
