"""Contrast: grey values spread about their mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``factor``, whose logarithm is within ``most``."""
    return {"factor": float(np.exp(rng.uniform(-most, most)))}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """The image's mean stays."""
    mean = x.mean()
    return x.sub_(mean).mul_(drawn["factor"]).add_(mean)
