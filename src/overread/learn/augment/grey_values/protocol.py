"""What every grey-value transform does; the modules beside this one fulfil it as they are (PEP 544)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from torch import Tensor


class GreyValues(Protocol):
    """One change of grey values; the images are standardised to a deviation of about 1."""

    def draw(self, most: float, rng: np.random.Generator, /) -> dict[str, float]:
        """Parameters within the range ``most``, as plain numbers; empty where this image stays as it is."""
        ...

    def apply(self, x: Tensor, drawn: Mapping[str, float], /) -> Tensor:
        """``(channels, *spatial)`` changed; may be changed in place."""
        ...
