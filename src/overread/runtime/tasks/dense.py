"""Tasks whose network says something of every place: over the whole image at once, or by windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.runtime.manifest import Windows
from overread.runtime.outputs import Network
from overread.runtime.sliding_window import Blended, sliding_window, strides_of
from overread.runtime.window_rules import ruled_window


def dense(network: Network, array: NDArray[np.float32], windows: Windows | None) -> Blended:
    """The network's dense outputs for ``array (channels, *spatial)``. Raises InputError as `strides_of`."""
    if windows is not None and windows.rule != "even":
        return ruled_window(array, network, windows)
    if windows is not None:
        return sliding_window(array, network, size=windows.size, overlap=windows.overlap)
    outputs = {name: out[0] for name, out in network(array[None]).items()}
    return Blended(outputs, strides_of(array.shape[1:], outputs))
