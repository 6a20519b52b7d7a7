"""Gamma: the curve between darkest and brightest bent, as of another detector or display."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor


def draw(most: float, rng: np.random.Generator) -> dict[str, float]:
    """``power``, whose logarithm is within ``most``."""
    return {"power": float(np.exp(rng.uniform(-most, most)))}


def apply(x: Tensor, drawn: Mapping[str, float]) -> Tensor:
    """The image's own extremes stay."""
    low, high = x.amin(), x.amax()
    span = (high - low).clamp_min(1e-6)
    return ((x - low) / span).pow_(drawn["power"]).mul_(span).add_(low)
