"""What every grey-value transform does; the modules beside this one fulfil it as they are (PEP 544)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from torch import Tensor


class GreyValues(Protocol):
    """One change of grey values; the images are standardised to a deviation of about 1."""

    def draw(self, most: float, rng: np.random.Generator, /) -> dict[str, Any]:
        """Parameters within the range ``most``, plain data for JSON; empty where this image stays as it is.

        They do not depend on the image: as much is drawn for a picture as for a volume.
        """
        ...

    def apply(self, x: Tensor, drawn: Mapping[str, Any], /) -> Tensor:
        """``(channels, *spatial)`` changed, on its own device; may be changed in place."""
        ...
