"""What a network takes and gives: arrays by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Outputs: TypeAlias = dict[str, NDArray[Any]]
"""The network's outputs by name, without the batch axis where they are of one image."""
Network: TypeAlias = Callable[[NDArray[np.float32]], Outputs]
"""``(batch, channels, *spatial)`` float32 to the outputs by name, each with a batch axis."""
