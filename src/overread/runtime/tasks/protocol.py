"""What every task does in `predict`; the modules beside this one fulfil it as they are (PEP 544)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from overread.runtime.answer import Answer
from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.uncertainty.pool import Pool

__all__ = ["Network", "Outputs", "RuntimeTask"]


class RuntimeTask(Protocol):
    """One task on the way from a prepared image to an answer."""

    OUTPUTS: tuple[str, ...]
    """Names of the network's outputs that are read. A network with one output may call it by any name."""
    DECODING: Mapping[str, float]
    """Every key that `Manifest.decoding` may hold for this task, with the value that counts where it is not given."""

    POOL: Pool | None
    """How logits of several networks are averaged; None where each output is averaged as it is."""

    def raw(
        self, network: Network, prepared: Prepared, manifest: Manifest, /, *, maps: bool = False
    ) -> Outputs:
        """The network's outputs for one image: whole, or windows blended. ``maps``: with what `maps_of` needs."""
        ...

    def answer(self, raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> Answer:
        """Calibration, decision, and the way back to the image's own grid."""
        ...
